import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { ChunkBatchBuilder, FileBatchBuilder } from '../../src/store/batch.ts';
import { openStore } from '../../src/store/open.ts';
import type { ChunkHit, ChunkRow, FileRow } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';

/** A fresh directory that goes with the test. */
export async function temporaryDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'tidemark-test-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A new, empty index, open for writing until the test ends. */
export async function temporaryStore(t: TestContext): Promise<Store> {
  const store = await openStore(path.join(await temporaryDir(t), '.tidemark'), {
    create: true,
    mode: 'write',
  });
  t.after(() => store.close());
  return store;
}

/** The ids of hits, in their order: {@link chunkRow} writes them into the texts. */
export async function idsOf(store: Store, hits: readonly { readonly row: ChunkHit }[]): Promise<string[]> {
  const details = await store.details(hits.map(({ row }) => row));
  return details.map((found) => found!.text.replace('text of ', ''));
}

export function fileRow(row: Partial<FileRow> & Pick<FileRow, 'rev' | 'seq' | 'path'>): FileRow {
  return {
    size: 100,
    mtimeNs: 1_700_000_000_000_000_001n,
    hash: 'f00d',
    language: 'typescript',
    kind: 'code',
    chunks: 1,
    runs: null,
    state: 'pending',
    reason: null,
    ...row,
  };
}

export function chunkRow(row: Partial<ChunkRow> & Pick<ChunkRow, 'id' | 'seq' | 'path'>): ChunkRow {
  return {
    ordinal: 0,
    language: 'typescript',
    kind: 'code',
    symbol: null,
    scope: null,
    signature: null,
    definitions: null,
    startLine: 1,
    endLine: 2,
    startByte: 0,
    endByte: 10,
    text: `text of ${row.id}`,
    hash: `hash-${row.id}`,
    terms: 'common',
    ...row,
  };
}

export function chunkBatch(rows: ChunkRow[]): ChunkBatchBuilder {
  const batch = new ChunkBatchBuilder();
  for (const row of rows) batch.append(row);
  return batch;
}

export function fileBatch(rows: FileRow[]): FileBatchBuilder {
  const batch = new FileBatchBuilder();
  for (const row of rows) batch.append(row);
  return batch;
}

export async function collectAll<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The ids of all chunk rows under the given seqs, sorted. */
export async function chunkIds(store: Store, seqs: bigint[]): Promise<string[]> {
  const sets = seqs.map((seq) => ({ seq, chunks: 2 ** 31 - 1, runs: null }));
  const rows = (await collectAll(store.chunksOfFiles(sets, ['id']))).flat();
  return rows.map((row) => row.id).sort();
}

/** A repeatable stream of numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

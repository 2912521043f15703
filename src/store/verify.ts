import { contentHash, embeddingText } from '../chunk/embedding-text.ts';
import { comparePaths } from '../walk/path-codec.ts';
import { type ChunkRun, chunkRuns, isNamed } from './chunk-runs.ts';
import type { ChunkTable } from './chunk-table.ts';
import { fileGroups } from './file-groups.ts';
import { type FileTable, isLive } from './file-table.ts';
import { keyRanges } from './paging.ts';
import { decode, names } from './scan.ts';
import { CHUNK_COLUMNS, type FileRow, type LiveFileRow } from './schema.ts';
import { staleVectors } from './stale-vectors.ts';
import type { Tables } from './tables.ts';
import type { VectorTable } from './vector-table.ts';

/** Something in the tables that does not fit together. */
export type Fault =
  /** Chunks of a committed file are not there, there twice, or not what was written. */
  | { readonly type: 'missing-chunks' | 'doubled-chunks' | 'changed-chunks'; readonly file: LiveFileRow }
  /** A file counts as embedded, and chunks of it have no vector. */
  | { readonly type: 'missing-vectors'; readonly file: LiveFileRow }
  /** Rows that a newer one of their path overrides, or of a file that is gone: what a killed run leaves. */
  | { readonly type: 'old-rows'; readonly rows: readonly FileRow[]; readonly newest: LiveFileRow | null }
  /** Chunk rows that no file row names, some at a time. */
  | { readonly type: 'orphans'; readonly paths: readonly string[]; readonly runs: readonly ChunkRun[] };

export interface VerifiedCounts {
  files: number;
  chunks: number;
  /** Vector rows, those of chunks that are gone and may come back included. */
  vectors: number;
  /** Of them, those whose chunk is gone: kept up to a share, for a branch that is switched to and fro. */
  staleVectors: number;
}

interface Parts {
  readonly tables: Tables;
  readonly files: FileTable;
  readonly chunks: ChunkTable;
  readonly vectors: VectorTable;
}

const ID_BATCH = 500;
const CHECKED = ['id', 'seq', 'ordinal', 'path', 'symbol', 'scope', 'signature', 'text', 'hash'] as const;
const PLACE = ['seq', 'ordinal', 'path'] as const;

/**
 * Reads every row that counts and compares: rows of each file against its commit record, content against its hash,
 * vectors against chunks. Returns what it has seen. Memory: one group of files; of a large file a bit a chunk. What it
 * yields may be mended before the next is asked for.
 */
export async function* verify(parts: Parts): AsyncGenerator<Fault, VerifiedCounts, void> {
  const { tables, files } = parts;
  const rowsBefore = await tables.count('chunks');
  const counts = { files: 0, chunks: 0, vectors: await tables.count('vectors'), staleVectors: 0 };
  let found = 0;
  const table = await tables.get('files');
  for (const range of await tables.read('read files', () => keyRanges(table, 'path'))) {
    const versions = new Map<string, FileRow[]>();
    for await (const rows of files.inRange(range.after, range.through))
      for (const row of rows) versions.set(row.path, [...(versions.get(row.path) ?? []), row]);
    const live: LiveFileRow[] = [];
    for (const rows of versions.values()) {
      rows.sort((a, b) => (a.rev > b.rev ? -1 : 1));
      const [first, ...older] = rows as [FileRow, ...FileRow[]];
      const newest = isLive(first) ? first : null;
      if (newest !== null) live.push(newest);
      const old = newest === null ? rows : older;
      if (old.length > 0) yield { type: 'old-rows', rows: old, newest };
    }
    counts.files += live.length;
    live.sort((a, b) => comparePaths(a.path, b.path));
    for await (const group of fileGroups(live)) {
      for (const tally of await tallyGroup(group, parts)) {
        counts.chunks += tally.file.chunks;
        found += tally.rows;
        yield* tally.faults();
      }
    }
  }
  if (found !== rowsBefore) yield* orphans(parts);
  for await (const ids of staleVectors(tables)) counts.staleVectors += ids.size;
  return counts;
}

/** What was seen of the chunks of one file. */
class Tally {
  readonly file: LiveFileRow;
  readonly #seen: Uint8Array;
  rows = 0;
  doubled = 0;
  changed = 0;
  withoutVector = 0;

  constructor(file: LiveFileRow) {
    this.file = file;
    this.#seen = new Uint8Array((file.chunks + 7) >> 3);
  }

  see(ordinal: number): void {
    const bit = 1 << (ordinal & 7);
    if ((this.#seen[ordinal >> 3]! & bit) !== 0) this.doubled++;
    this.#seen[ordinal >> 3]! |= bit;
    this.rows++;
  }

  *faults(): Generator<Fault> {
    const { file } = this;
    if (this.rows - this.doubled < file.chunks) yield { type: 'missing-chunks', file };
    else if (this.doubled > 0) yield { type: 'doubled-chunks', file };
    else if (this.changed > 0) yield { type: 'changed-chunks', file };
    else if (this.withoutVector > 0) yield { type: 'missing-vectors', file };
  }
}

async function tallyGroup(group: readonly LiveFileRow[], parts: Parts): Promise<Iterable<Tally>> {
  const { chunks, vectors } = parts;
  const tallies = new Map(group.map((file) => [file.path, new Tally(file)]));
  let ids = new Map<string, Tally>();
  const lookUp = async () => {
    const there = await vectors.existing([...ids.keys()]);
    for (const [id, tally] of ids) if (!there.has(id)) tally.withoutVector++;
    ids = new Map();
  };
  const withChunks = group.filter((file) => file.chunks > 0);
  if (withChunks.length > 0) {
    for await (const rows of chunks.ofFiles(withChunks, CHECKED, null)) {
      for (const row of rows) {
        const tally = tallies.get(row.path);
        // The path is a part of what was damaged: its file will lack the chunk.
        if (tally === undefined) continue;
        tally.see(row.ordinal);
        if (contentHash(embeddingText(row)) !== row.hash) tally.changed++;
        if (tally.file.state === 'embedded') ids.set(row.id, tally);
      }
      if (ids.size >= ID_BATCH) await lookUp();
    }
    await lookUp();
  }
  return tallies.values();
}

/** One pass over the places of all chunk rows. */
async function* orphans({ tables, files }: Parts): AsyncGenerator<Fault, void, void> {
  const table = await tables.get('chunks');
  const query = () => table.query().select(names(CHUNK_COLUMNS, PLACE));
  for await (const batch of tables.stream('read chunks', query)) {
    const rows = decode(batch, CHUNK_COLUMNS, PLACE);
    const versions = await files.newestByPath(rows.map(({ path }) => path));
    const named = new Map(Array.from(versions, ([path, version]) => [path, chunkRuns(version)]));
    const stray = rows.filter((row) => !isNamed(named.get(row.path) ?? [], row));
    if (stray.length === 0) continue;
    const runs = stray.map(({ seq, ordinal }) => ({ seq, from: ordinal, to: ordinal + 1 }));
    yield { type: 'orphans', paths: [...new Set(stray.map(({ path }) => path))], runs };
  }
}

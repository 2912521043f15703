/**
 * A store of as many chunks as asked for, through its whole life, in a process of its own: bench/scale.ts compiles this
 * file and starts it. Says on stdout, one JSON object a line, what it begins and what came of it.
 */
import { readFile, rm } from 'node:fs/promises';

export interface ScaleJob {
  /** URL of tidemark's modules: `store/open.js` and its like are below it. */
  readonly modules: string;
  /** Where the index is made. */
  readonly dir: string;
  /** A JSON array of `BaseChunk`, and rows of their vectors. */
  readonly base: string;
  readonly vectors: string;
  readonly dimensions: number;
  readonly chunks: number;
  readonly chunksPerFile: number;
  /** Files that are replaced in the end, and searches of each kind. */
  readonly updates: number;
  readonly queries: number;
  /** Queries whose approximate answer is compared with the exact one. */
  readonly recallQueries: number;
  /** Rows for the append that is compared with. */
  readonly bareChunks: number;
  readonly memoryBytes: number;
  /** The tables are there, of an earlier run: what comes after their writing. */
  readonly written: boolean;
}

export interface BaseChunk {
  readonly text: string;
  readonly terms: string;
}

export type ScaleLine =
  | { readonly type: 'phase'; readonly name: string }
  | { readonly type: 'rows'; readonly rows: number }
  | { readonly type: 'result'; readonly name: string; readonly value: unknown };

const say = (line: ScaleLine) => process.stdout.write(`${JSON.stringify(line)}\n`);
const phase = (name: string) => say({ type: 'phase', name });
const result = (name: string, value: unknown) => say({ type: 'result', name, value });

/** Text repeats, with one name in it changed, so often at most: an index has some hundred thousand words. */
const VARIANTS = 50;
/** A vector is its chunk's real one, half of another's, and noise of about this share of its length. */
const NOISE = 0.4;
const NOISE_VALUES = 1 << 20;
/** Of a commit, as a run with room has them. */
const FLUSH_BYTES = 8e6;

/** A repeatable stream of numbers in [0, 1) (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Rows made of real chunks: any of them can be made again from its number. */
class Rows {
  readonly #base: readonly BaseChunk[];
  readonly #words: readonly (string | null)[];
  readonly #vectors: Float32Array;
  readonly #dimensions: number;
  readonly #noise: Float32Array;

  constructor(base: readonly BaseChunk[], vectors: Float32Array, dimensions: number) {
    this.#base = base;
    this.#vectors = vectors;
    this.#dimensions = dimensions;
    // The longest name of each: it is what is changed.
    this.#words = base.map(({ text }) => {
      const names = text.match(/[A-Za-z_]{5,40}/g) ?? [];
      return names.reduce((longest, name) => (name.length > longest.length ? name : longest), '') || null;
    });
    const random = seeded(5);
    const scale = NOISE / Math.sqrt(dimensions);
    this.#noise = Float32Array.from(
      { length: NOISE_VALUES },
      () => scale * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
    );
  }

  id(row: number, version: number): string {
    return `${row.toString(36).padStart(8, '0')}${version}${'c0ffee'.repeat(3)}`;
  }

  chunk(row: number, version: number) {
    const i = row % this.#base.length;
    const { text, terms } = this.#base[i]!;
    const word = this.#words[i]!;
    const name = word === null ? '' : `${word}${(Math.floor(row / this.#base.length) + version) % VARIANTS}`;
    const changed = word === null ? text : text.replaceAll(word, name);
    return {
      id: this.id(row, version),
      language: 'typescript',
      kind: 'code' as const,
      symbol: word,
      scope: null,
      signature: null,
      definitions: null,
      startLine: 1,
      endLine: 20,
      startByte: 0,
      endByte: changed.length,
      text: changed,
      hash: this.id(row, version),
      terms: `${terms} ${name.toLowerCase()}`,
    };
  }

  /** Writes the vector of a row, normalized, at `at`. */
  vector(row: number, version: number, into: Float32Array, at: number): void {
    const n = this.#base.length;
    const d = this.#dimensions;
    const hash = Math.imul(row * 2 + version + 1, 0x9e3779b1) >>> 0;
    const one = (row % n) * d;
    const other = (hash % n) * d;
    let noise = hash % (NOISE_VALUES - d);
    let squares = 0;
    for (let k = 0; k < d; k++) {
      const value = this.#vectors[one + k]! + 0.5 * this.#vectors[other + k]! + this.#noise[noise++]!;
      into[at + k] = value;
      squares += value * value;
    }
    const scale = 1 / Math.sqrt(squares);
    for (let k = 0; k < d; k++) into[at + k]! *= scale;
  }
}

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;

async function latency(queries: number, run: (i: number) => Promise<unknown>) {
  const times: number[] = [];
  // Caches fill first.
  for (let i = 0; i < Math.min(20, queries); i++) await run(i);
  for (let i = 0; i < queries; i++) {
    const started = performance.now();
    await run(i + 20);
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) };
}

const seconds = async (work: () => Promise<unknown>) => {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
};

async function main(job: ScaleJob): Promise<void> {
  const load = <Module>(name: string) => import(new URL(name, job.modules).href) as Promise<Module>;
  type Open = typeof import('../../src/store/open.ts');
  type Batches = typeof import('../../src/store/batch.ts');
  type Lance = typeof import('../../src/store/lance.ts');
  const { openStore } = await load<Open>('store/open.js');
  const { FileBatchBuilder, ChunkBatchBuilder } = await load<Batches>('store/batch.js');
  const { ChunkWriter } =
    await load<typeof import('../../src/store/chunk-writer.ts')>('store/chunk-writer.js');
  const { connectTo } = await load<Lance>('store/lance.js');
  const base = JSON.parse(await readFile(job.base, 'utf8')) as BaseChunk[];
  const bytes = await readFile(job.vectors);
  const vectors = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const rows = new Rows(base, vectors, job.dimensions);
  const pathOf = (file: number) =>
    `d${Math.floor(file / 1000)}/e${Math.floor(file / 50) % 20}/file${file}.ts`;
  const fileRow = (file: number, seq: bigint, rev: bigint, state: 'pending' | 'embedded') => ({
    rev,
    seq,
    path: pathOf(file),
    size: 10_000,
    mtimeNs: 1_700_000_000_000_000_000n,
    hash: `${file.toString(16).padStart(8, '0')}${'ab'.repeat(28)}`,
    language: 'typescript',
    kind: 'code' as const,
    chunks: job.chunksPerFile,
    runs: null,
    state,
    reason: null,
  });

  phase('open');
  let store = await openStore(job.dir, { create: true, mode: 'write', memoryBytes: job.memoryBytes });
  const files = Math.floor(job.chunks / job.chunksPerFile);

  if (!job.written) await writeTables();

  phase('index vectors');
  result('index vectors', { seconds: await seconds(() => store.maintain()) });
  result('disk', { bytes: await store.sizeBytes() });

  phase('search');
  await search('');
  phase('recall');
  result('recall', await recall());

  phase('update');
  const perCommit = 50;
  const updateSeconds = await seconds(async () => {
    const fileRows = new FileBatchBuilder();
    const chunks = new ChunkBatchBuilder();
    const buffer = new Float32Array(perCommit * job.chunksPerFile * job.dimensions);
    const random = seeded(3);
    for (let done = 0; done < job.updates; done += perCommit) {
      const numbers = [...new Set(Array.from({ length: perCommit }, () => Math.floor(random() * files)))];
      const known = await store.newestByPath(numbers.map(pathOf));
      const old = [...known.values()];
      const keys = [];
      for (const file of numbers) {
        const seq = store.nextSeq();
        for (let ordinal = 0; ordinal < job.chunksPerFile; ordinal++) {
          const row = file * job.chunksPerFile + ordinal;
          const chunk = rows.chunk(row, 1);
          chunks.append({ ...chunk, seq, ordinal, path: pathOf(file) });
          rows.vector(row, 1, buffer, keys.length * job.dimensions);
          keys.push({
            id: chunk.id,
            hash: chunk.id,
            path: pathOf(file),
            language: 'typescript',
            kind: 'code' as const,
          });
        }
        fileRows.append(fileRow(file, seq, store.nextRev(), 'embedded'));
      }
      await store.addChunks(chunks);
      await store.addVectors(keys, buffer.subarray(0, keys.length * job.dimensions));
      await store.addFiles(fileRows);
      await store.deleteChunksBySeq(old.map(({ seq }) => seq));
      await store.deleteFilesByRev(old.map(({ rev }) => rev));
    }
  });
  result('update', { files: job.updates, seconds: updateSeconds });
  phase('maintain again');
  result('maintain again', { seconds: await seconds(() => store.maintain()) });
  phase('search again');
  await search(' after updates');

  phase('list');
  let listed = 0;
  const listSeconds = await seconds(async () => {
    for await (const _ of store.files()) listed++;
  });
  result('list', { files: listed, seconds: listSeconds });
  phase('open again');
  await store.close();
  result('open again', {
    seconds: await seconds(async () => {
      store = await openStore(job.dir, { create: false, mode: 'write', memoryBytes: job.memoryBytes });
    }),
  });
  result('disk after updates', { bytes: await store.sizeBytes() });
  await store.close();
  phase('end');

  /** Both lanes' writing, and beside it the same bytes without tidemark. */
  async function writeTables(): Promise<void> {
    phase('bare append');
    {
      // The same columns and bytes, built once: what Lance's own `Table.add` takes for them.
      const batch = new ChunkBatchBuilder();
      for (let row = 0; row < 4096 && batch.byteLength < FLUSH_BYTES; row++)
        batch.append({ ...rows.chunk(row, 0), seq: 1n, ordinal: 0, path: pathOf(row) });
      const arrow = batch.finish();
      const connection = await connectTo(`${job.dir}-bare`, job);
      const table = await connection.createEmptyTable('chunks', arrow.schema, { existOk: true });
      const adds = Math.ceil(job.bareChunks / batch.rows);
      const took = await seconds(async () => {
        for (let i = 0; i < adds; i++) await table.add(arrow);
      });
      result('bare', { rows: adds * batch.rows, bytes: adds * batch.byteLength, seconds: took });
      table.close();
      await rm(`${job.dir}-bare`, { recursive: true });
    }
    phase('writer');
    {
      // As many bytes through tidemark's writer, from rows that are there: what it adds to that.
      const some = Array.from({ length: 4096 }, (_, row) => ({
        ...rows.chunk(row, 0),
        seq: 1n,
        ordinal: 0,
        path: pathOf(row),
      }));
      await using other = await openStore(`${job.dir}-writer`, {
        create: true,
        mode: 'write',
        memoryBytes: job.memoryBytes,
      });
      const writer = new ChunkWriter(other, FLUSH_BYTES);
      const took = await seconds(async () => {
        for (let i = 0; i < job.bareChunks; i++) await writer.append(some[i % some.length]!);
        await writer.flush();
      });
      result('writer', { rows: job.bareChunks, bytes: writer.bytes, seconds: took });
    }
    await rm(`${job.dir}-writer`, { recursive: true });

    phase('write chunks');
    let written = 0;
    const writeSeconds = await seconds(async () => {
      const writer = new ChunkWriter(store, FLUSH_BYTES);
      const fileRows = new FileBatchBuilder();
      for (let file = 0; file < files; file++) {
        const seq = store.nextSeq();
        const path = pathOf(file);
        for (let ordinal = 0; ordinal < job.chunksPerFile; ordinal++) {
          const row = rows.chunk(file * job.chunksPerFile + ordinal, 0);
          await writer.append({ ...row, seq, ordinal, path });
        }
        fileRows.append(fileRow(file, seq, store.nextRev(), 'pending'));
        if (fileRows.rows >= 1024 || file === files - 1) {
          await writer.flush();
          await store.addFiles(fileRows);
          written = (file + 1) * job.chunksPerFile;
          say({ type: 'rows', rows: written });
        }
      }
      result('bytes', writer.bytes);
    });
    result('write', { rows: written, seconds: writeSeconds });

    phase('maintain');
    result('maintain', { seconds: await seconds(() => store.maintain()) });

    phase('write vectors');
    const vectorSeconds = await seconds(async () => {
      await store.setModel({ id: 'synthetic', dtype: 'fp32', dimensions: job.dimensions });
      const size = 4096;
      const buffer = new Float32Array(size * job.dimensions);
      for (let from = 0; from < written; from += size) {
        const count = Math.min(size, written - from);
        const keys = [];
        for (let i = 0; i < count; i++) {
          const row = from + i;
          rows.vector(row, 0, buffer, i * job.dimensions);
          const id = rows.id(row, 0);
          const path = pathOf(Math.floor(row / job.chunksPerFile));
          keys.push({ id, hash: id, path, language: 'typescript', kind: 'code' as const });
        }
        await store.addVectors(keys, buffer.subarray(0, count * job.dimensions));
        if (from % (size * 32) === 0) say({ type: 'rows', rows: from + count });
      }
    });
    result('write vectors', { rows: written, seconds: vectorSeconds });
  }

  function queryVector(i: number): Float32Array {
    const vector = new Float32Array(job.dimensions);
    // Of no row, but as near to some as they are to each other.
    rows.vector(1e9 + i * 7919, 0, vector, 0);
    return vector;
  }

  /** Two words and a name, as people ask. */
  function queryTerms(i: number): string[] {
    const words = [...new Set(base[(i * 131) % base.length]!.terms.split(' '))];
    const random = seeded(i);
    return Array.from({ length: 3 }, () => words[Math.floor(random() * words.length)]!);
  }

  async function search(when: string): Promise<void> {
    const lexical = (i: number) => store.searchLexical({ terms: queryTerms(i) }, {}, 50);
    const semantic = (i: number) => store.searchSemantic(queryVector(i), {}, 50);
    result(`lexical${when}`, await latency(job.queries, lexical));
    result(`semantic${when}`, await latency(job.queries, semantic));
    result(
      `hybrid${when}`,
      await latency(job.queries, (i) => Promise.all([lexical(i + 1000), semantic(i + 1000)])),
    );
  }

  async function recall() {
    let found = 0;
    let wanted = 0;
    let exactSeconds = 0;
    for (let i = 0; i < job.recallQueries; i++) {
      const vector = queryVector(i + 5000);
      const near = await store.searchSemantic(vector, {}, 10);
      const place = ({ row }: (typeof near)[number]) => `${row.seq}:${row.ordinal}`;
      const places = new Set(near.map(place));
      const started = performance.now();
      const exact = await store.searchSemantic(vector, {}, 10, { exact: true });
      exactSeconds += (performance.now() - started) / 1000;
      for (const hit of exact) found += places.has(place(hit)) ? 1 : 0;
      wanted += exact.length;
    }
    return {
      queries: job.recallQueries,
      recall: found / wanted,
      exactSeconds: exactSeconds / job.recallQueries,
    };
  }
}

const input = process.argv[2];
if (input !== undefined) await main(JSON.parse(await readFile(input, 'utf8')) as ScaleJob);

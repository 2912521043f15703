/**
 * In which type a vector is best stored, and with how many bits a dimension it is best indexed: bytes, time to write and
 * to index, recall against 32-bit floats, time of an exact and of an approximate search. Real vectors of the bundled
 * model with noise, and those of real questions, which lie far from all of them. `npm run bench:vectors`; BENCH_VECTORS=20000 takes fewer (a trial: nothing is written). Results:
 * bench/results/vectors.json.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { Embedder } from '../src/embed/embedder.ts';
import { toHalf } from '../src/store/half.ts';
import { connectTo, loadArrow, loadLance } from '../src/store/lance.ts';
import { seeded } from '../test/support/chunking.ts';
import { realChunks } from './lib/embed-runs.ts';
import { environment } from './lib/machine.ts';
import { QUESTIONS } from './lib/questions.ts';
import { table } from './lib/table.ts';

const VECTORS = 200_000;
const BASE = 2000;
const DIMENSIONS = 384;
const COMMIT = 4096;
/** A hybrid search takes as many; of the first ten it is told too. */
const TOP = 100;
const FIRST = 10;
/** Of the length of a vector; half of another one is added too. */
const NOISE = 0.4;
const TYPES = ['float32', 'float16', 'int8'] as const;
type Type = (typeof TYPES)[number];
/** Bits a dimension, and how many vectors are read for each that is wanted. */
const INDEXES = [
  { bits: 1, refine: 1 },
  { bits: 1, refine: 5 },
  { bits: 1, refine: 10 },
  { bits: 2, refine: 1 },
  { bits: 2, refine: 3 },
  { bits: 4, refine: 1 },
  { bits: 4, refine: 2 },
] as const;

interface Searched {
  /** Milliseconds. */
  readonly p50: number;
  /** Of the nearest ten and hundred. */
  readonly recall: { readonly ten: number; readonly hundred: number };
}

interface Indexed extends Searched {
  readonly bits: number;
  readonly refine: number;
  readonly seconds: number;
  readonly bytesPerVector: number;
}

interface Result {
  readonly type: Type;
  readonly bytesPerVector: number;
  readonly writtenPerSecond: number;
  /** Null where the store cannot search it. */
  readonly exact: Searched | null;
  readonly indexes: readonly Indexed[];
}

const given = process.env.BENCH_VECTORS;
const count = Number(given ?? VECTORS);
const { FixedSizeList, Field, Float16, Float32, Int32, Int8, makeData, RecordBatch, Schema, Struct } =
  loadArrow();

async function realVectors(texts: readonly string[], purpose: 'query' | 'document'): Promise<Float32Array> {
  await using embedder = new Embedder({ processes: 2 });
  const { vectors, failed } = await embedder.embed(texts, { purpose });
  if (failed.length > 0) throw new Error(failed[0]!.reason);
  return vectors;
}

const base = await realVectors(await realChunks(BASE), 'document');
const questions = await realVectors(QUESTIONS, 'query');
const random = seeded(3);
const noise = Float32Array.from(
  { length: 1 << 20 },
  () =>
    (NOISE / Math.sqrt(DIMENSIONS)) *
    Math.sqrt(-2 * Math.log(1 - random())) *
    Math.cos(2 * Math.PI * random()),
);

/** The vector of a row, the same every time. */
function vector(row: number, into: Float32Array, at: number): void {
  const hash = Math.imul(row * 2 + 1, 0x9e3779b1) >>> 0;
  const [one, other, from] = [
    (row % BASE) * DIMENSIONS,
    (hash % BASE) * DIMENSIONS,
    hash % (noise.length - DIMENSIONS),
  ];
  let squares = 0;
  for (let k = 0; k < DIMENSIONS; k++) {
    const value = base[one + k]! + 0.5 * base[other + k]! + noise[from + k]!;
    into[at + k] = value;
    squares += value * value;
  }
  for (let k = 0; k < DIMENSIONS; k++) into[at + k]! /= Math.sqrt(squares);
}

function valuesOf(type: Type, floats: Float32Array) {
  if (type === 'float32') return { item: new Float32(), data: floats };
  const data = type === 'float16' ? new Uint16Array(floats.length) : new Int8Array(floats.length);
  // The largest value of a normalized vector of this model is well below a half.
  const convert = type === 'float16' ? toHalf : (value: number) => Math.round(value * 254);
  for (let i = 0; i < floats.length; i++) data[i] = convert(floats[i]!);
  return { item: type === 'float16' ? new Float16() : new Int8(), data };
}

async function write(type: Type, dir: string): Promise<{ lance: Table; seconds: number }> {
  const { item } = valuesOf(type, new Float32Array(0));
  const list = new FixedSizeList(DIMENSIONS, new Field('item', item, true));
  const schema = new Schema([new Field('id', new Int32(), false), new Field('vector', list, false)]);
  const lance = await (await connectTo(dir)).createEmptyTable(type, schema);
  let seconds = 0;
  for (let from = 0; from < count; from += COMMIT) {
    const length = Math.min(COMMIT, count - from);
    const floats = new Float32Array(length * DIMENSIONS);
    for (let i = 0; i < length; i++) vector(from + i, floats, i * DIMENSIONS);
    const started = performance.now();
    const { data } = valuesOf(type, floats);
    const child = makeData({ type: item, length: length * DIMENSIONS, nullCount: 0, data } as never);
    const children = [
      makeData({
        type: new Int32(),
        length,
        nullCount: 0,
        data: Int32Array.from({ length }, (_, i) => from + i),
      }),
      makeData({ type: list, length, nullCount: 0, child } as never),
    ];
    const batch = new RecordBatch(
      schema,
      makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }),
    );
    await lance.add({ schema, batches: [batch] } as never);
    seconds += (performance.now() - started) / 1000;
  }
  return { lance, seconds };
}

const truth: number[][] = [];

/** An exact search, or through the index with so many vectors read for each that is wanted. */
async function search(lance: Table, how: 'exact' | { readonly refine: number }): Promise<Searched> {
  const times: number[] = [];
  const found = { ten: 0, hundred: 0 };
  for (let i = 0; i < QUESTIONS.length; i++) {
    const started = performance.now();
    const near = lance
      .query()
      .nearestTo(questions.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS))
      .distanceType('cosine')
      .select(['id', '_distance'])
      .limit(TOP);
    if (how === 'exact') near.bypassVectorIndex();
    else near.nprobes(50).refineFactor(how.refine);
    const rows = await near.toArray();
    times.push(performance.now() - started);
    const ids = rows.map((row) => Number(row.id));
    truth[i] ??= ids;
    const known = new Set(ids);
    const share = (top: number) => truth[i]!.slice(0, top).filter((id) => known.has(id)).length / top;
    found.ten += share(FIRST) / QUESTIONS.length;
    found.hundred += share(TOP) / QUESTIONS.length;
  }
  times.sort((a, b) => a - b);
  return { p50: times[QUESTIONS.length / 2]!, recall: found };
}

async function indexed(lance: Table): Promise<Indexed[]> {
  const all: Indexed[] = [];
  let [seconds, bytes, built] = [0, 0, 0];
  for (const { bits, refine } of INDEXES) {
    if (bits !== built) {
      const started = performance.now();
      const config = loadLance().Index.ivfRq({ distanceType: 'cosine', numBits: bits });
      await lance.createIndex('vector', { config, replace: true });
      seconds = (performance.now() - started) / 1000;
      bytes = (await lance.listIndices())[0]!.sizeBytes ?? 0;
      built = bits;
    }
    all.push({ bits, refine, seconds, bytesPerVector: bytes / count, ...(await search(lance, { refine })) });
  }
  return all;
}

const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
const results: Result[] = [];
try {
  for (const type of TYPES) {
    const { lance, seconds } = await write(type, dir);
    const written = {
      type,
      bytesPerVector: (await lance.stats()).totalBytes / count,
      writtenPerSecond: count / seconds,
    };
    if (type === 'int8') {
      const refused = await search(lance, 'exact').then(
        () => null,
        () => 'refused',
      );
      if (refused === null) throw new Error('the store searches 8-bit vectors by now: measure them');
      results.push({ ...written, exact: null, indexes: [] });
      continue;
    }
    results.push({ ...written, exact: await search(lance, 'exact'), indexes: await indexed(lance) });
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}

const searched = ({ p50, recall }: Searched) => [
  recall.ten.toFixed(3),
  recall.hundred.toFixed(3),
  p50.toFixed(1),
];
process.stdout.write(
  `${table([
    ['type', 'bytes', 'written a second', 'exact: recall@10', '@100', 'ms'],
    ...results.map(({ type, bytesPerVector, writtenPerSecond, exact }) => [
      type,
      bytesPerVector.toFixed(0),
      writtenPerSecond.toFixed(0),
      ...(exact === null ? ['-', '-', '-'] : searched(exact)),
    ]),
  ])}\n\n${table([
    ['type', 'index: bits', 'bytes', 'built in, s', 'read for each', 'recall@10', '@100', 'ms'],
    ...results.flatMap(({ type, indexes }) =>
      indexes.map(({ bits, bytesPerVector, seconds, refine, ...rest }) => [
        type,
        String(bits),
        bytesPerVector.toFixed(0),
        seconds.toFixed(1),
        String(refine),
        ...searched(rest),
      ]),
    ),
  ])}\n`,
);
if (given === undefined) {
  const report = { environment: environment(), vectors: count, dimensions: DIMENSIONS, results };
  writeFileSync(new URL('./results/vectors.json', import.meta.url), `${JSON.stringify(report, null, 1)}\n`);
}

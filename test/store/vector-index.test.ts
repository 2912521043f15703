import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../src/store/store.ts';
import {
  chunkBatch,
  chunkRow,
  fileBatch,
  fileRow,
  seededRandom,
  temporaryStore,
} from '../support/store-rows.ts';

const DIMENSIONS = 64;
/** An index is worth it from 65,536 on. */
const ROWS = 66_000;
const BATCH = 6000;
const CLUSTERS = 40;

function normalized(values: number[]): number[] {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

test('with an index the nearest are found as without, rows that came after it among them', async (t) => {
  const random = seededRandom(7);
  const spread = () => Array.from({ length: DIMENSIONS }, () => random() - 0.5);
  const centers = Array.from({ length: CLUSTERS }, spread);
  const near = (i: number, away = 0.8) =>
    normalized(spread().map((value, k) => away * value + centers[i % CLUSTERS]![k]!));
  const store = await temporaryStore(t);
  await store.setModel({ id: 'm', dtype: 'fp32', dimensions: DIMENSIONS });
  await write(store, ROWS, (i) => near(i));
  assert.equal(await store.buildVectorIndexIfWorthIt(), true);
  await compare(store, near);
  await write(store, 400, (i) => near(i, 0.4));
  assert.ok((await compare(store, near)).has('f400'));
});

/** Searches with the index and without; returns the paths of what both find. */
async function compare(store: Store, vector: (i: number) => number[]): Promise<Set<string>> {
  const paths = new Set<string>();
  for (let i = 0; i < 5; i++) {
    const query = Float32Array.from(vector(i));
    const exact = await store.searchSemantic(query, {}, 100, { exact: true });
    const found = await store.searchSemantic(query, {}, 100);
    const distances = new Map(exact.map(({ row, distance }) => [`${row.path}:${row.ordinal}`, distance]));
    const same = found.filter(({ row }) => distances.has(`${row.path}:${row.ordinal}`));
    // Partitions are found from a random start: 88 to 97 were seen, and 57 with one bit a dimension.
    assert.ok(same.length >= 78, `${same.length} of the nearest 100`);
    for (const { row, distance } of same) {
      paths.add(row.path);
      const off = Math.abs(distance - distances.get(`${row.path}:${row.ordinal}`)!);
      assert.ok(off < 1e-5, `${distance} is off by ${off}`);
    }
  }
  return paths;
}

/** One file of so many chunks. */
async function write(store: Store, rows: number, vector: (i: number) => number[]): Promise<void> {
  const path = `f${rows}`;
  const seq = store.nextSeq();
  for (let from = 0; from < rows; from += BATCH) {
    const chunks = Array.from({ length: Math.min(BATCH, rows - from) }, (_, i) =>
      chunkRow({ id: `${path}-${from + i}`, path, seq, ordinal: from + i }),
    );
    await store.addChunks(chunkBatch(chunks));
    const keys = chunks.map(({ id, hash, language, kind }) => ({ id, hash, path, language, kind }));
    await store.addVectors(keys, Float32Array.from(chunks.flatMap(({ ordinal }) => vector(ordinal))));
  }
  await store.addFiles(
    fileBatch([fileRow({ rev: store.nextRev(), seq, path, chunks: rows, state: 'embedded' })]),
  );
}

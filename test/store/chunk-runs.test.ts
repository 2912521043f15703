import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ChunkSet,
  chunkRuns,
  isNamed,
  MAX_RUNS,
  obsoleteChunks,
  RunBuilder,
} from '../../src/store/chunk-runs.ts';
import { seededRandom } from '../support/store-rows.ts';

/** The rows that a version names, as `seq@ordinal`. */
function named(set: ChunkSet): string[] {
  return chunkRuns(set).flatMap(({ seq, from, to }) =>
    Array.from({ length: to - from }, (_, i) => `${seq}@${from + i}`),
  );
}

/** A version in which the chunks for which `same` holds are as they were. */
function nextVersion(
  seq: bigint,
  before: ChunkSet | null,
  chunks: number,
  same: (ordinal: number) => boolean,
): { set: ChunkSet; written: string[] } {
  const runs = new RunBuilder(seq, before);
  const written: string[] = [];
  for (let ordinal = 0; ordinal < chunks; ordinal++) {
    if (same(ordinal) && runs.keep()) continue;
    assert.equal(runs.write(), ordinal);
    written.push(`${seq}@${ordinal}`);
  }
  assert.deepEqual([runs.chunks, runs.written], [chunks, written.length]);
  return { set: runs.finish(), written };
}

test('a version names its rows, and whoever takes away what it replaced leaves those', () => {
  const random = seededRandom(5);
  for (let file = 0; file < 30; file++) {
    let before: ChunkSet | null = null;
    let table: string[] = [];
    for (let seq = 1n; seq <= 40n; seq++) {
      const chunks = Math.floor(random() * 60);
      const [from, to] = [random() * 60, random() * 90];
      const share = random();
      const same = (ordinal: number) => (ordinal < from || ordinal > to) && random() < 2 * share;
      const old: ChunkSet | null = before;
      const { set, written } = nextVersion(seq, old, chunks, same);
      table.push(...written);
      const runs = chunkRuns(set);
      assert.ok(runs.length <= MAX_RUNS);
      assert.deepEqual(
        named(set).map((row) => Number(row.split('@')[1])),
        Array.from({ length: chunks }, (_, ordinal) => ordinal),
        'each ordinal once, in order',
      );
      const isGone = (row: { seq: bigint; ordinal: number }): boolean => {
        if (old === null) return false;
        const gone = obsoleteChunks(old, set);
        return gone.seqs.includes(row.seq) || isNamed(gone.runs, row);
      };
      table = table.filter((row) => {
        const [rowSeq, ordinal] = row.split('@') as [string, string];
        return !isGone({ seq: BigInt(rowSeq), ordinal: Number(ordinal) });
      });
      assert.deepEqual([...table].sort(), named(set).sort());
      before = set;
    }
  }
});

test('a file that is gone leaves nothing', () => {
  const before: ChunkSet = { seq: 9n, chunks: 10, runs: '3:4,9:1,5:3,3:2' };
  assert.deepEqual(obsoleteChunks(before, null), { seqs: [3n, 9n, 5n], runs: [] });
  assert.deepEqual(obsoleteChunks(before, { seq: 11n, chunks: 6, runs: '3:2,11:4' }), {
    seqs: [9n, 5n],
    runs: [
      { seq: 3n, from: 2, to: 4 },
      { seq: 3n, from: 8, to: 10 },
    ],
  });
  assert.deepEqual(obsoleteChunks({ seq: 1n, chunks: 0, runs: null }, null), { seqs: [], runs: [] });
});

test('a version that is new throughout is as short as can be', () => {
  assert.deepEqual(nextVersion(7n, null, 5, () => true).set, { seq: 7n, chunks: 5, runs: null });
  const before: ChunkSet = { seq: 3n, chunks: 5, runs: null };
  assert.deepEqual(nextVersion(7n, before, 6, () => true).set, { seq: 7n, chunks: 6, runs: '3:5,7:1' });
  assert.deepEqual(nextVersion(7n, before, 0, () => true).set, { seq: 7n, chunks: 0, runs: null });
});

test('a file that grows at its end again and again does not get its head written again', () => {
  let set: ChunkSet = { seq: 1n, chunks: 100_000, runs: null };
  let written = 0;
  for (let seq = 2n; seq < 200n; seq++) {
    const chunks = set.chunks + 3;
    const next = nextVersion(seq, set, chunks, () => true);
    written += next.written.length;
    set = next.set;
    assert.ok(chunkRuns(set).length <= MAX_RUNS);
  }
  assert.ok(written < 10_000, `${written} rows written for 594 chunks that are new`);
});

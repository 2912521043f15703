import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planBatches } from '../../src/embed/batches.ts';
import { seeded } from '../support/chunking.ts';

test('batches hold every sequence once, by length, within the limits', () => {
  const random = seeded(7);
  const limits = { tokens: 8192, states: 2 ** 22, pairs: 2 ** 20 };
  const dimensions = 768;
  for (let round = 0; round < 50; round++) {
    const sequences = Array.from({ length: Math.floor(random() * 300) }, (_, text) => ({
      text,
      ids: Array.from({ length: 1 + Math.floor(random() ** 2 * 512) }, () => 0),
    }));
    const batches = planBatches(sequences, limits, dimensions);
    assert.deepEqual(
      batches
        .flat()
        .map(({ text }) => text)
        .sort((a, b) => a - b),
      sequences.map(({ text }) => text),
    );
    let last = Number.POSITIVE_INFINITY;
    for (const batch of batches) {
      const longest = Math.max(...batch.map(({ ids }) => ids.length));
      assert.ok(batch.length * longest <= limits.tokens, `${batch.length} x ${longest}`);
      assert.ok(batch.length * longest * dimensions <= limits.states, `${batch.length} x ${longest}`);
      assert.ok(batch.length * longest ** 2 <= limits.pairs, `${batch.length} x ${longest}^2`);
      assert.ok(longest <= last);
      last = Math.min(...batch.map(({ ids }) => ids.length));
    }
  }
});

test('a sequence that is over the limits runs alone', () => {
  const ids = (length: number) => ({ ids: Array.from({ length }, () => 0) });
  const batches = planBatches(
    [ids(10), ids(5000), ids(5000)],
    { tokens: 4096, states: 2 ** 22, pairs: 2 ** 20 },
    384,
  );
  assert.deepEqual(
    batches.map((batch) => batch.map((sequence) => sequence.ids.length)),
    [[5000], [5000], [10]],
  );
});

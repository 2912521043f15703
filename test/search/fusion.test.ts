import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reciprocalRankFusion } from '../../src/search/fusion.ts';
import { seeded } from '../support/chunking.ts';

const fuse = (...lists: string[][]) => reciprocalRankFusion(lists, (item) => item);
const order = (...lists: string[][]) => fuse(...lists).map(({ item }) => item);

test('one list keeps its order and gets the scores of its ranks', () => {
  assert.deepEqual(fuse(['a', 'b']), [
    { item: 'a', score: 1 / 61 },
    { item: 'b', score: 1 / 62 },
  ]);
  assert.deepEqual(fuse(), []);
  assert.deepEqual(fuse([], []), []);
});

test('what two lists name comes before what one list puts first', () => {
  assert.deepEqual(order(['a', 'b', 'c'], ['x', 'c', 'b']), ['b', 'c', 'a', 'x']);
  const [first] = fuse(['a', 'b'], ['c', 'b']);
  assert.equal(first?.score, 2 / 62);
});

test('ties stay in the order of first appearance', () => {
  assert.deepEqual(order(['a'], ['b'], ['c']), ['a', 'b', 'c']);
  assert.deepEqual(order(['a', 'b'], ['b', 'a']), ['a', 'b']);
});

test('the item of the first list that names it is kept', () => {
  const lists = [[{ id: 1, from: 'words' }], [{ id: 1, from: 'meaning' }]];
  const fused = reciprocalRankFusion(lists, ({ id }) => String(id));
  assert.deepEqual(fused, [{ item: { id: 1, from: 'words' }, score: 2 / 61 }]);
});

test('property: every item once, scores fall, and rising in a list never harms', () => {
  const random = seeded(8);
  for (let round = 0; round < 200; round++) {
    const lists = Array.from({ length: 3 }, () =>
      [...'abcdefgh'].filter(() => random() < 0.6).sort(() => random() - 0.5),
    );
    const fused = fuse(...lists);
    assert.deepEqual(fused.map(({ item }) => item).sort(), [...new Set(lists.flat())].sort());
    for (let i = 1; i < fused.length; i++) assert.ok(fused[i - 1]!.score >= fused[i]!.score);
    const [head] = lists;
    if (head!.length < 2) continue;
    const risen = head!.at(-1)!;
    const lifted = fuse([risen, ...head!.slice(0, -1)], ...lists.slice(1));
    const rank = (all: typeof fused) => all.findIndex(({ item }) => item === risen);
    assert.ok(rank(lifted) <= rank(fused));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snippet } from '../../src/cli/snippet.ts';

const LINES = Array.from({ length: 20 }, (_, i) => `line ${i}`);

test('a snippet is where most of the words are', () => {
  const lines = LINES.with(12, 'const retryPolicy = 1;').with(14, 'await backoff();').with(2, 'retries');
  assert.deepEqual(snippet(lines, 'retry with backoff', 4), {
    lines: lines.slice(11, 15),
    before: 11,
    after: 5,
  });
});

test('without any of the words it is the beginning, and a short text is shown whole', () => {
  assert.deepEqual(snippet(LINES, 'absent', 3), { lines: LINES.slice(0, 3), before: 0, after: 17 });
  assert.deepEqual(snippet(LINES.slice(0, 2), 'line', 8), { lines: LINES.slice(0, 2), before: 0, after: 0 });
});

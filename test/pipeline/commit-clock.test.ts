import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommitClock } from '../../src/pipeline/commit-clock.ts';

const SECOND = 1000;

/** When commits are due in so long a run, seconds, where somebody looks ten times a second. */
function commits(mostMs: number, durationMs: number): number[] {
  let now = 0;
  const clock = new CommitClock(mostMs, () => now);
  const times: number[] = [];
  for (; now < durationMs; now += SECOND / 10) {
    if (!clock.due) continue;
    clock.committed();
    times.push(Math.round(now / SECOND));
  }
  return times;
}

test('a day of embedding is some hundreds of commits', () => {
  const times = commits(120 * SECOND, 24 * 3600 * SECOND);
  assert.ok(times.length > 700 && times.length < 740, `${times.length} commits`);
  for (const [i, at] of times.entries()) assert.ok(at - (times[i - 1] ?? 0) <= 121, `${at}`);
});

test('commits that come before they are due put the next one off, and make it no rarer', () => {
  let now = 0;
  const clock = new CommitClock(30 * SECOND, () => now);
  for (let i = 0; i < 100; i++) {
    now += SECOND / 2;
    assert.ok(!clock.due);
    clock.committed();
  }
  now += 1.1 * SECOND;
  assert.ok(clock.due);
});

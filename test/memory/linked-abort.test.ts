import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { collectGarbage } from '../../src/memory/collect-garbage.ts';
import { LinkedAbort } from '../../src/memory/linked-abort.ts';

test('it is aborted with the first of its sources, for the same reason', () => {
  const [first, second] = [new AbortController(), new AbortController()];
  using linked = new LinkedAbort(first.signal, second.signal);
  second.abort(new Error('stop'));
  first.abort(new Error('too late'));
  assert.equal(linked.signal.reason.message, 'stop');
});

test('of a source that was aborted before it is born aborted', () => {
  using linked = new LinkedAbort(new AbortController().signal, AbortSignal.abort('before'));
  assert.equal(linked.signal.reason, 'before');
});

test('aborting it leaves its sources alone, and they forget it', () => {
  const source = new AbortController();
  const linked = new LinkedAbort(source.signal);
  linked.abort();
  assert.equal(source.signal.aborted, false);
  assert.deepEqual(getEventListeners(source.signal, 'abort'), []);
});

test('once disposed it follows its sources no more', () => {
  const source = new AbortController();
  const linked = new LinkedAbort(source.signal);
  linked[Symbol.dispose]();
  source.abort();
  assert.equal(linked.signal.aborted, false);
});

/**
 * Bytes that each of many rounds leaves on the heap: the median of some stretches, as what is made once (code, a table
 * that grows) is in one of them only.
 */
async function bytesKept(round: () => void): Promise<number> {
  const STRETCHES = 7;
  const ROUNDS = 4000;
  const heap = async () => {
    // A weak reference holds its target until the task ends that made it.
    for (let i = 0; i < 2; i++) {
      await setImmediate();
      await collectGarbage();
    }
    return process.memoryUsage().heapUsed;
  };
  const kept: number[] = [];
  let before = await heap();
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    for (let i = 0; i < ROUNDS; i++) {
      round();
      if (i % 100 === 0) await setImmediate();
    }
    const after = await heap();
    kept.push((after - before) / ROUNDS);
    before = after;
  }
  return kept.sort((a, b) => a - b)[(STRETCHES - 1) / 2] as number;
}

test('a signal that lives for long holds nothing of those that followed it', async () => {
  const source = new AbortController();
  const kept = await bytesKept(() => {
    using _linked = new LinkedAbort(source.signal);
  });
  assert.ok(kept < 5, `${kept} bytes kept per round`);
});

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { getHeapSnapshot } from 'node:v8';
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

interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly (readonly string[])[];
    };
  };
  readonly nodes: readonly number[];
}

/** Objects and functions on the heap. They are counted, as their bytes are not alike in any two runs. */
async function liveObjects(): Promise<number> {
  // A weak reference holds its target until the task ends that made it.
  await setImmediate();
  const { snapshot, nodes } = (await json(getHeapSnapshot())) as HeapSnapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const counted = ['object', 'closure'].map((type) => types[0]!.indexOf(type));
  let count = 0;
  for (let i = fields.indexOf('type'); i < nodes.length; i += fields.length) {
    if (counted.includes(nodes[i]!)) count++;
  }
  return count;
}

test('a signal that lives for long holds nothing of those that followed it', async () => {
  const ROUNDS = 4000;
  const source = new AbortController();
  const follow = async () => {
    for (let i = 0; i < ROUNDS; i++) {
      using _linked = new LinkedAbort(source.signal);
      if (i % 100 === 0) await setImmediate();
    }
  };
  await follow();
  const before = await liveObjects();
  await follow();
  const kept = (await liveObjects()) - before;
  // A leak keeps one a round or more; what else the process makes meanwhile, a few dozens.
  assert.ok(kept < ROUNDS / 20, `${kept} objects kept of ${ROUNDS} rounds`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LinkedAbort } from '../../src/memory/linked-abort.ts';
import type { IndexEvent } from '../../src/pipeline/events.ts';
import { whileWaiting, withHeld } from '../../src/pipeline/while-waiting.ts';

const MAINTENANCE: IndexEvent = { type: 'maintenance' };
const NEVER_MS = 600_000;

test('what is held comes while the lane is at work; whoever leaves at it ends the work and waits for its end', async () => {
  const held: IndexEvent[] = [];
  const told: string[] = [];
  using stop = new LinkedAbort();
  const work = async function* (): AsyncGenerator<IndexEvent> {
    try {
      yield { type: 'start', lane: 'semantic' };
      held.push(MAINTENANCE);
      await sleep(NEVER_MS, undefined, { signal: stop.signal });
      yield { type: 'start', lane: 'lexical' };
    } finally {
      await sleep(10);
      told.push('the lane has ended');
    }
  };
  for await (const event of withHeld(work(), held, stop)) {
    told.push(event.type);
    if (event === MAINTENANCE) break;
  }
  assert.deepEqual(told, ['start', 'maintenance', 'the lane has ended']);
});

test('a lane that ends well aborts nothing, and its failure is passed on', async () => {
  using stop = new LinkedAbort();
  const lane = async function* (events: number): AsyncGenerator<IndexEvent> {
    for (let i = 0; i < events; i++) yield MAINTENANCE;
    if (events === 3) throw new Error('the disk is gone');
  };
  const count = async (events: number) => {
    let seen = 0;
    for await (const _ of withHeld(lane(events), [], stop)) seen++;
    return seen;
  };
  assert.equal(await count(1000), 1000);
  await assert.rejects(count(3), /the disk is gone/);
  assert.ok(!stop.signal.aborted);
});

test('of work that is left early nothing goes on, and its failure is not unhandled', async () => {
  const held = [MAINTENANCE];
  using stop = new LinkedAbort();
  let ended = false;
  const work = (async () => {
    try {
      await sleep(NEVER_MS, undefined, { signal: stop.signal });
    } finally {
      await sleep(10);
      ended = true;
    }
  })();
  for await (const _ of whileWaiting(work, held, stop)) break;
  assert.ok(ended);
});

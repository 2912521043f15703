import { setTimeout } from 'node:timers/promises';
import type { IndexEvent } from './events.ts';

const LOOK_EVERY_MS = 100;

/** Passes on what a lane tells, and before each of it the events that were put into `held` meanwhile. */
export async function* withHeld(
  lane: AsyncIterable<IndexEvent>,
  held: IndexEvent[],
): AsyncGenerator<IndexEvent> {
  for await (const event of lane) {
    yield* held.splice(0);
    yield event;
  }
}

/** Waits for `work` and passes on the events that it puts into `held` meanwhile; gives its result. */
export async function* whileWaiting<Result>(
  work: Promise<Result>,
  held: IndexEvent[],
): AsyncGenerator<IndexEvent, Result> {
  const settled = new AbortController();
  // Whoever leaves early waits for it no more, and its failure is not unhandled.
  const end = () => settled.abort();
  work.then(end, end);
  while (!settled.signal.aborted) {
    await setTimeout(LOOK_EVERY_MS, undefined, { signal: settled.signal }).catch(() => {});
    yield* held.splice(0);
  }
  return work;
}

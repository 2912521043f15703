import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { LinkedAbort } from '../memory/linked-abort.ts';
import type { IndexEvent } from './events.ts';

const LOOK_EVERY_MS = 100;

/**
 * Passes on what a lane tells, and the events that are put into `held` meanwhile. Whoever leaves early aborts `stop`, whose
 * signal is the lane's, and waits for the lane's end.
 */
export async function* withHeld(
  lane: AsyncGenerator<IndexEvent>,
  held: IndexEvent[],
  stop: LinkedAbort,
): AsyncGenerator<IndexEvent> {
  try {
    for (;;) {
      const next = yield* whileWaiting(lane.next(), held, stop);
      yield* held.splice(0);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await lane.return(undefined);
  }
}

/**
 * Waits for `work` and passes on the events that it puts into `held` meanwhile; gives its result. Whoever leaves early aborts
 * `stop`, whose signal is the work's, and waits for its end.
 */
export async function* whileWaiting<Result>(
  work: Promise<Result>,
  held: IndexEvent[],
  stop: LinkedAbort,
): AsyncGenerator<IndexEvent, Result> {
  const settled = new AbortController();
  const end = () => settled.abort();
  const ended = work.then(end, end);
  try {
    // Most of it is there at once, and a timer takes longer than that.
    await Promise.race([ended, nextTurn()]);
    while (!settled.signal.aborted) {
      await sleep(LOOK_EVERY_MS, undefined, { signal: settled.signal }).catch(() => {});
      yield* held.splice(0);
    }
    return await work;
  } finally {
    if (!settled.signal.aborted) {
      stop.abort();
      await ended;
    }
  }
}

import { setTimeout } from 'node:timers/promises';
import type { IndexEvent } from './events.ts';

const LOOK_EVERY_MS = 100;

/** Passes on what a lane tells, and the events that are put into `held` meanwhile. */
export async function* withHeld(
  lane: AsyncGenerator<IndexEvent>,
  held: IndexEvent[],
): AsyncGenerator<IndexEvent> {
  try {
    for (;;) {
      const next = yield* whileWaiting(lane.next(), held);
      yield* held.splice(0);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await lane.return(undefined);
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

/** As {@link whileWaiting}, for work that must not go on once it is left: whoever leaves early waits for its end. */
export async function* whileWorking<Result>(
  work: Promise<Result>,
  held: IndexEvent[],
): AsyncGenerator<IndexEvent, Result> {
  try {
    return yield* whileWaiting(work, held);
  } finally {
    await work.catch(() => {});
  }
}

import { readFileSync } from 'node:fs';

/** Linux keeps the calling thread's time on a processor here, in nanoseconds. */
const SCHEDSTAT = '/proc/thread-self/schedstat';
/** Reading it takes as long as a fifth of a progress report. */
const LOOK_EVERY_MS = 100;

/**
 * Milliseconds that this thread has worked, so that other work on the machine does not count; where the system does not
 * tell, milliseconds on the clock.
 */
export function workedMs(): number {
  try {
    return Number.parseInt(readFileSync(SCHEDSTAT, 'latin1'), 10) / 1e6;
  } catch {
    return performance.now();
  }
}

/**
 * True from when this thread has worked for `limitMs`, counted from the first {@link LOOK_EVERY_MS} after the call on:
 * what is done before that, as most of what there is, never looks. Cheap enough to be asked all the time.
 */
export function workLimit(limitMs: number): () => boolean {
  let look = performance.now() + LOOK_EVERY_MS;
  let end: number | null = null;
  let over = false;
  return () => {
    const now = performance.now();
    if (over || now < look) return over;
    look = now + LOOK_EVERY_MS;
    const worked = workedMs();
    end ??= worked + limitMs;
    over = worked > end;
    return over;
  };
}

import { mkdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { acquireLock, type IndexLock } from '../store/lock.ts';
import { cacheError } from './model-cache.ts';

const POLL_MS = 200;

/**
 * Takes the lock of a directory of the cache, waiting for a live process that holds it; one that died holds nothing.
 * The caller releases it.
 * @param onWait called once if there is something to wait for
 * @throws ModelCacheError; the signal's reason
 */
export async function waitForLock(
  directory: string,
  signal: AbortSignal,
  onWait: () => void,
): Promise<IndexLock> {
  for (let waits = 0; ; waits++) {
    signal.throwIfAborted();
    try {
      await mkdir(directory, { recursive: true });
      return await acquireLock(directory);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_TIDEMARK_INDEX_BUSY') {
        throw cacheError(directory, (error as Error).cause ?? error);
      }
    }
    if (waits === 0) onWait();
    await setTimeout(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

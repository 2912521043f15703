import { mkdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { type DirectoryLock, LockHeldError, takeLock } from '../lock/directory-lock.ts';
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
): Promise<DirectoryLock> {
  for (let waits = 0; ; waits++) {
    signal.throwIfAborted();
    try {
      await mkdir(directory, { recursive: true });
      return await takeLock(directory);
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw cacheError(directory, error);
    }
    if (waits === 0) onWait();
    await setTimeout(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

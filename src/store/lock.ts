import { LockHeldError, takeLock } from '../lock/directory-lock.ts';
import { asStoreError, IndexBusyError } from './errors.ts';

/** The single writer's lock of an index. */
export interface IndexLock extends AsyncDisposable {
  /** Lets the next one in; idempotent. */
  release(): Promise<void>;
  /**
   * To be asked before each write, at next to no cost: a process that slept may have been taken for dead.
   * @throws {LockLostError} where another one holds the lock by now
   */
  assertHeld(): Promise<void>;
}

/**
 * Takes the writer's lock of the index at `dir`, which must exist. The caller releases it.
 * @throws {IndexBusyError} when a live process holds it
 */
export async function acquireLock(dir: string): Promise<IndexLock> {
  try {
    return await takeLock(dir);
  } catch (error) {
    if (error instanceof LockHeldError) throw new IndexBusyError(dir, error.pid, error.host);
    throw asStoreError(error, dir, 'be locked');
  }
}

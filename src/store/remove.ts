import { readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import {
  asStoreError,
  IndexCorruptError,
  IndexFormatError,
  NoIndexError,
  NotAnIndexError,
} from './errors.ts';
import { acquireLock } from './lock.ts';
import { inspectDir, META_FILE, readMeta, TABLES_DIR } from './meta.ts';

/** Removes all tables in an index directory. Only under the writer's lock. */
export async function removeTables(dir: string): Promise<void> {
  for (const entry of await readdir(dir))
    if (TABLES_DIR.test(entry)) await rm(path.join(dir, entry), { recursive: true, force: true });
}

/**
 * Removes the index in `dir`, damaged or of another format as it may be, and nothing that tidemark did not make; the
 * directory goes too when that leaves it empty.
 * @throws {NoIndexError} when there is none
 * @throws {NotAnIndexError} when the directory is somebody else's
 * @throws {IndexBusyError} when a writer has it open
 */
export async function removeIndex(dir: string): Promise<void> {
  const found = await inspectDir(dir);
  if (found === 'missing') throw new NoIndexError(dir);
  if (found === 'foreign') throw new NotAnIndexError(dir);
  if (found === 'index') await assertOurs(dir);
  const lock = await acquireLock(dir);
  try {
    // meta.json goes after the tables: cut short, what is left is still an index that can be removed.
    await removeTables(dir);
    for (const entry of ['tmp', META_FILE, '.gitignore', 'lock'])
      await rm(path.join(dir, entry), { recursive: true, force: true });
    await lock.release();
    await rmdir(dir).catch((error: NodeJS.ErrnoException) => {
      // Someone keeps something of their own in it.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } catch (error) {
    throw asStoreError(error, dir, 'be removed');
  } finally {
    await lock.release();
  }
}

async function assertOurs(dir: string): Promise<void> {
  try {
    await readMeta(dir);
  } catch (error) {
    if (error instanceof IndexFormatError) return;
    // A meta.json that cannot be read: the tables beside it tell whose it is.
    const entries = await readdir(dir);
    if (error instanceof IndexCorruptError && entries.some((entry) => TABLES_DIR.test(entry))) return;
    throw error instanceof IndexCorruptError ? new NotAnIndexError(dir) : error;
  }
}

import {
  asStoreError,
  IndexCorruptError,
  IndexFormatError,
  NoIndexError,
  NotAnIndexError,
} from './errors.ts';
import { readMeta } from './meta.ts';
import type { Place } from './place.ts';
import { placeAt } from './place-at.ts';

/**
 * Removes the index in a directory or an object store, damaged or of another format as it may be, and nothing that
 * tidemark did not make.
 * @throws {NoIndexError} when there is none
 * @throws {NotAnIndexError} when the place is somebody else's
 * @throws {IndexBusyError} when a writer has it open
 */
export async function removeIndex(where: string): Promise<void> {
  const place = placeAt(where);
  const found = await place.state();
  if (found === 'missing') throw new NoIndexError(where);
  if (found === 'foreign') throw new NotAnIndexError(where);
  const tables = found === 'index' ? await ownTables(place) : null;
  const lock = await place.lock();
  try {
    // The metadata go after the tables: cut short, what is left is still an index that can be removed.
    await place.removeTables(tables);
    await place.removeRest(lock);
  } catch (error) {
    throw asStoreError(error, where, 'be removed');
  } finally {
    await lock.release();
  }
}

/** The tables that the metadata name; null where they cannot be read and the tables beside them tell whose it is. */
async function ownTables(place: Place): Promise<string | null> {
  try {
    return (await readMeta(place)).tables;
  } catch (error) {
    if (error instanceof IndexFormatError) return null;
    if (error instanceof IndexCorruptError && (await place.hasTables())) return null;
    throw error instanceof IndexCorruptError ? new NotAnIndexError(place.name) : error;
  }
}

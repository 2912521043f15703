import { LocalPlace } from './local-place.ts';
import type { Place } from './place.ts';
import { OBJECT_STORE, RemotePlace } from './remote-place.ts';

/** True for the URI of an object store that Lance knows. */
export const isRemote = (where: string): boolean => OBJECT_STORE.test(where);

/**
 * The place that a path (absolute) or the URI of an object store stands for.
 * @param memoryBytes the budget of the process tree
 */
export function placeAt(where: string, memoryBytes?: number): Place {
  return isRemote(where)
    ? new RemotePlace(where.replace(/\/+$/, ''), memoryBytes)
    : new LocalPlace(where, memoryBytes);
}

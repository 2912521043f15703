import { LocalPlace } from './local-place.ts';
import type { Place } from './place.ts';

/** The place that a path (absolute) or the URI of an object store stands for. */
export function placeAt(where: string): Place {
  return new LocalPlace(where);
}

import type { LiveFileRow } from './schema.ts';

/** Files are taken together up to about so many chunks; one file may have more. */
export const GROUP_CHUNKS = 8192;
const GROUP_FILES = 256;

/** Splits files into groups whose chunks can be held together, in their order. */
export async function* fileGroups(
  files: AsyncIterable<LiveFileRow> | Iterable<LiveFileRow>,
): AsyncGenerator<LiveFileRow[], void, void> {
  let group: LiveFileRow[] = [];
  let chunks = 0;
  for await (const file of files) {
    if (group.length > 0 && (chunks + file.chunks > GROUP_CHUNKS || group.length >= GROUP_FILES)) {
      yield group;
      group = [];
      chunks = 0;
    }
    group.push(file);
    chunks += file.chunks;
  }
  if (group.length > 0) yield group;
}

import type { Summary } from '../pipeline/summary.ts';
import { EXIT } from './exit-codes.ts';
import { followUpdates, type IndexOptions } from './follow-updates.ts';

/**
 * `tidemark watch`: a summary of the first run, and of each later one that changed something. Ctrl-C is how it ends: exit
 * code 0, or 1 in the middle of the first run.
 */
export async function watchCommand(dir: string, options: IndexOptions): Promise<number> {
  const last = await followUpdates(
    dir,
    options,
    (index, update) => index.watch(update),
    (summary, rounds) => rounds === 0 || hasChanged(summary),
  );
  return last === null ? EXIT.failed : EXIT.complete;
}

function hasChanged({ files, chunks }: Summary): boolean {
  return files.indexed + files.removed + chunks.embedded + chunks.reused > 0;
}

import { isComplete } from '../pipeline/summary.ts';
import { EXIT } from './exit-codes.ts';
import { followUpdates, type IndexOptions } from './follow-updates.ts';

/** `tidemark index`: exit code 0, or 3 where something could not be indexed. */
export async function indexCommand(dir: string, options: IndexOptions): Promise<number> {
  const last = await followUpdates(
    dir,
    options,
    (index, update) => index.update(update),
    () => true,
  );
  if (last === null) return EXIT.failed;
  return isComplete(last) ? EXIT.complete : EXIT.incomplete;
}

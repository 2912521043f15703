import type { Summary } from '../pipeline/summary.ts';
import { openIndex } from '../tidemark-index.ts';
import { complain, EXIT } from './exit-codes.ts';
import type { IndexOptions } from './index-command.ts';
import { Interrupt } from './interrupt.ts';
import { openOptions } from './options.ts';
import { printablePath, printJson } from './output.ts';
import { createProgress } from './progress.ts';
import { printSummary } from './summary-output.ts';

/**
 * `tidemark watch`: a summary of the first run, and of each later one that changed something. Ctrl-C is how it ends: exit
 * code 0, or 1 in the middle of the first run.
 */
export async function watchCommand(dir: string, options: IndexOptions): Promise<number> {
  const progress = createProgress();
  using interrupt = new Interrupt(() => progress.stop());
  let rounds = 0;
  try {
    await using index = await openIndex(dir, openOptions(options));
    const { embed, force = false } = options;
    const countAhead = process.stderr.isTTY;
    for await (const event of index.watch({ embed, force, countAhead, signal: interrupt.signal })) {
      progress.show(event);
      if (event.type === 'skipped' && options.verbose) {
        progress.note(`skipped ${printablePath(event.path)}: ${event.reason}`);
      }
      if (event.type !== 'done') continue;
      progress.stop();
      if (rounds++ === 0 || hasChanged(event.summary)) {
        if (options.json) await printJson(event.summary);
        else await printSummary(event.summary, options);
      }
    }
    return EXIT.complete;
  } catch (error) {
    progress.stop();
    if (!interrupt.signal.aborted) throw error;
    if (rounds > 0) return EXIT.complete;
    complain('stopped; what is done is kept, the same command goes on from here');
    return EXIT.failed;
  }
}

function hasChanged({ files, chunks }: Summary): boolean {
  return files.indexed + files.removed + chunks.embedded + chunks.reused > 0;
}

import { isComplete, type Summary } from '../pipeline/summary.ts';
import { openIndex } from '../tidemark-index.ts';
import { complain, EXIT } from './exit-codes.ts';
import { Interrupt } from './interrupt.ts';
import { type CommonOptions, openOptions } from './options.ts';
import { printablePath, printJson } from './output.ts';
import { createProgress } from './progress.ts';
import { printSummary } from './summary-output.ts';

export interface IndexOptions extends CommonOptions {
  readonly embed: boolean;
  readonly force?: boolean;
  readonly verbose?: boolean;
}

/** `tidemark index`: exit code 0, or 3 where something could not be indexed. */
export async function indexCommand(dir: string, options: IndexOptions): Promise<number> {
  const progress = createProgress();
  using interrupt = new Interrupt(() => progress.stop());
  try {
    await using index = await openIndex(dir, openOptions(options));
    let summary: Summary | undefined;
    const events = index.update({
      embed: options.embed,
      force: options.force ?? false,
      countAhead: process.stderr.isTTY,
      signal: interrupt.signal,
    });
    for await (const event of events) {
      progress.show(event);
      if (event.type === 'done') summary = event.summary;
      else if (event.type === 'skipped' && options.verbose) {
        progress.note(`skipped ${printablePath(event.path)}: ${event.reason}`);
      }
    }
    progress.stop();
    if (summary === undefined) throw new Error('indexing ended without a summary');
    if (options.json) await printJson(summary);
    else await printSummary(summary, options);
    return isComplete(summary) ? EXIT.complete : EXIT.incomplete;
  } catch (error) {
    progress.stop();
    if (!interrupt.signal.aborted) throw error;
    complain('stopped; what is done is kept, the same command goes on from here');
    return EXIT.failed;
  }
}

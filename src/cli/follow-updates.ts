import type { IndexEvent } from '../pipeline/events.ts';
import type { Summary } from '../pipeline/summary.ts';
import { openIndex, type TidemarkIndex, type UpdateOptions } from '../tidemark-index.ts';
import { complain, firstOf } from './exit-codes.ts';
import { Interrupt } from './interrupt.ts';
import { type CommonOptions, openOptions } from './options.ts';
import { OutputClosed, printablePath, printJson } from './output.ts';
import { createProgress } from './progress.ts';
import { printSummary } from './summary-output.ts';

export interface IndexOptions extends CommonOptions {
  readonly embed: boolean;
  readonly force?: boolean;
  readonly verbose?: boolean;
  readonly events?: boolean;
}

export type UpdateSource = (
  index: TidemarkIndex,
  options: UpdateOptions,
) => AsyncGenerator<IndexEvent, void, void>;

/**
 * Shows how updates go, and prints the summary of each for which `tells` is true.
 *
 * @returns the last summary; null where a signal came before the first
 */
export async function followUpdates(
  dir: string,
  options: IndexOptions,
  updates: UpdateSource,
  tells: (summary: Summary, rounds: number) => boolean,
): Promise<Summary | null> {
  const { embed, events, force = false, json, verbose } = options;
  const progress = createProgress();
  using interrupt = new Interrupt(() => progress.stop());
  let last: Summary | null = null;
  let rounds = 0;
  try {
    await using index = await openIndex(dir, openOptions(options));
    const countAhead = process.stderr.isTTY;
    for await (const event of updates(index, { embed, force, countAhead, signal: interrupt.signal })) {
      progress.show(event);
      if (events && event.type !== 'done') await printJson(event);
      if (event.type === 'skipped' && verbose) {
        progress.note(`skipped ${printablePath(event.path)}: ${event.reason}`);
      } else if (event.type === 'done') {
        progress.stop();
        last = event.summary;
        if (!tells(last, rounds++)) continue;
        if (json) await printJson(last);
        else await printSummary(last, options);
      }
    }
  } catch (error) {
    progress.stop();
    // Nobody reads on; whether all was done by then is told by the exit code.
    if (firstOf(error) instanceof OutputClosed) return last;
    if (!interrupt.signal.aborted) throw error;
    if (last === null) complain('stopped; what is done is kept, the same command goes on from here');
  }
  return last;
}

import { formatSize } from '../memory/size.ts';
import { isComplete, type Summary } from '../pipeline/summary.ts';
import { openIndex } from '../tidemark-index.ts';
import { complain, EXIT } from './exit-codes.ts';
import { Interrupt } from './interrupt.ts';
import { type CommonOptions, openOptions } from './options.ts';
import { printablePath, printJson, printLine } from './output.ts';
import { createProgress } from './progress.ts';

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

async function printSummary(summary: Summary, options: IndexOptions): Promise<void> {
  const { files, chunks, bytes, seconds, peakRssBytes, budgetBytes } = summary;
  const skipped = Object.entries(files.skipped).map(([reason, count]) => `${count} ${reason}`);
  await printLine(
    `files   ${files.indexed} indexed, ${files.unchanged} unchanged, ${files.removed} removed` +
      (skipped.length === 0 ? '' : `; skipped: ${skipped.join(', ')}`),
  );
  await printLine(
    `chunks  ${chunks.written} written, ${chunks.embedded} embedded, ${chunks.reused} reused, ` +
      `${chunks.pending} pending, ${chunks.failed} failed`,
  );
  await printLine(
    `took    ${seconds.toFixed(1)} s, read ${formatSize(bytes)}, ` +
      `peak memory ${formatSize(peakRssBytes)} of ${formatSize(budgetBytes)}`,
  );
  for (const { step, count, reason } of summary.degraded)
    await printLine(`note    ${step} (${count}): ${reason}`);
  if (files.seen === 0)
    await printLine(
      'note    there is no file to index: the directory is empty, or ignore rules leave nothing; !* in a .tidemarkignore takes all back',
    );
  if (!options.embed && chunks.pending > 0)
    await printLine(
      'note    pending chunks are found by words only; tidemark index without --no-embed embeds them',
    );
  if (!isComplete(summary) && !options.verbose)
    await printLine('note    not everything could be indexed; --verbose names each file that was skipped');
}

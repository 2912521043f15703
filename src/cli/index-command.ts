import { formatSize } from '../memory/size.ts';
import { isComplete, type Summary } from '../pipeline/summary.ts';
import { openIndex } from '../tidemark-index.ts';
import { EXIT } from './exit-codes.ts';
import { type CommonOptions, openOptions } from './options.ts';
import { printJson, printLine } from './output.ts';
import { createProgress } from './progress.ts';

export interface IndexOptions extends CommonOptions {
  readonly embed: boolean;
  readonly force?: boolean;
  readonly verbose?: boolean;
}

/** `tidemark index`: exit code 0, or 3 where something could not be indexed. */
export async function indexCommand(dir: string, options: IndexOptions): Promise<number> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const progress = createProgress();
  try {
    await using index = await openIndex(dir, openOptions(options));
    let summary: Summary | undefined;
    const events = index.update({
      embed: options.embed,
      force: options.force ?? false,
      countAhead: process.stderr.isTTY,
      signal: stop.signal,
    });
    for await (const event of events) {
      progress.show(event);
      if (event.type === 'done') summary = event.summary;
      else if (event.type === 'skipped' && options.verbose) {
        process.stderr.write(`skipped ${event.path}: ${event.reason}\n`);
      }
    }
    progress.stop();
    if (options.json) await printJson(summary);
    else await printSummary(summary!);
    return isComplete(summary!) ? EXIT.complete : EXIT.incomplete;
  } catch (error) {
    progress.stop();
    if (!stop.signal.aborted) throw error;
    process.stderr.write(`tidemark: stopped; what is done is kept, the same command goes on from here\n`);
    return EXIT.failed;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

async function printSummary({ files, chunks, bytes, seconds, ...rest }: Summary): Promise<void> {
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
      `peak memory ${formatSize(rest.peakRssBytes)} of ${formatSize(rest.budgetBytes)}`,
  );
  for (const { step, count, reason } of rest.degraded)
    await printLine(`note    ${step} (${count}): ${reason}`);
}

import { formatSize } from '../memory/size.ts';
import { isComplete, type Summary } from '../pipeline/summary.ts';
import { printLine } from './output.ts';

/** Prints what a run has done, for people. */
export async function printSummary(
  summary: Summary,
  options: { readonly embed: boolean; readonly verbose?: boolean },
): Promise<void> {
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

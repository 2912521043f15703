import { openIndex, type Verification } from '../index.ts';
import { formatSize } from '../memory/size.ts';
import { complain, EXIT } from './exit-codes.ts';
import { type CommonOptions, openOptions } from './options.ts';
import { printablePath, printJson, printLine } from './output.ts';

const KINDS: Record<Verification['damage'][number]['kind'], string> = {
  'missing-chunks': 'files that lack chunks',
  'doubled-chunks': 'files with chunks that are there twice',
  'changed-chunks': 'files with chunks that are not as they were written',
  'missing-vectors': 'files that count as embedded and lack vectors',
  'old-rows': 'files with records of older versions',
  orphans: 'chunks of no file',
};

/** `tidemark status`; exit code 1 where the index is damaged, 3 where a repair left something to index again. */
export async function statusCommand(
  dir: string,
  options: CommonOptions & { readonly verify?: boolean; readonly repair?: boolean },
): Promise<number> {
  await using index = await openIndex(dir, openOptions(options));
  const repair = options.repair ?? false;
  const verification = repair || options.verify ? await index.verify({ repair }) : null;
  const status = await index.status();
  if (options.json) {
    const { damage, toIndex, ...counts } = verification ?? { damage: [], toIndex: 0 };
    const verified = { whole: damage.length === 0, ...counts, damage, repaired: repair, toIndex };
    await printJson(verification === null ? status : { ...status, verify: verified });
  } else {
    const { files, model, versions } = status;
    await printLine(`index     ${status.index}`);
    await printLine(
      `files     ${files.embedded + files.pending}, of which ${files.pending} wait to be embedded; ${files.skipped} more skipped`,
    );
    await printLine(`chunks    ${status.chunks}`);
    await printLine(
      `coverage  ${(status.coverage * 100).toFixed(1)} % of the chunks can be found by meaning`,
    );
    await printLine(`size      ${formatSize(status.sizeBytes)}`);
    await printLine(
      `model     ${model === null ? 'none yet' : `${model.id} (${model.dtype}, ${model.dimensions} dimensions)`}`,
    );
    await printLine(
      `version   tidemark ${versions.tidemark}, index made by ${versions.index}, format ${versions.format}`,
    );
    if (verification !== null) await printVerification(verification);
  }
  if (verification === null || verification.damage.length === 0) return EXIT.complete;
  if (!repair) {
    complain(`the index at ${status.index} is damaged; mend it with the same command and --repair`);
    return EXIT.failed;
  }
  if (verification.toIndex === 0) return EXIT.complete;
  complain(`${verification.toIndex} files have to be indexed again; run: tidemark index`);
  return EXIT.incomplete;
}

async function printVerification({ files, chunks, vectors, staleVectors, damage }: Verification) {
  await printLine(
    `verified  ${files} files, ${chunks} chunks, ${vectors} vectors, of which ${staleVectors} are kept for chunks that may come back`,
  );
  for (const { kind, count, paths } of damage) {
    const some = paths.map(printablePath).join(', ');
    await printLine(`damage    ${count} ${KINDS[kind]}: ${some}${count > paths.length ? ', ...' : ''}`);
  }
  if (damage.length === 0) await printLine('damage    none');
}

import { access } from 'node:fs/promises';
import type { ParserKind } from '../chunk/parser-pool.ts';
import { chunkFile, openIndex } from '../index.ts';
import { looksBinaryFile } from '../read/binary-file.ts';
import { decodePath } from '../walk/path-codec.ts';
import { EXIT } from './exit-codes.ts';
import { type CommonOptions, openOptions } from './options.ts';
import { printable, printableLines, printablePath, printJson, printLine } from './output.ts';

/** `tidemark files`: streamed, in the order of the paths' bytes. */
export async function filesCommand(
  dir: string,
  options: CommonOptions & { readonly skipped?: boolean },
): Promise<number> {
  await using index = await openIndex(dir, openOptions(options));
  for await (const file of index.files({ skipped: options.skipped ?? false })) {
    if (options.skipped && file.state !== 'skipped') continue;
    const { reason, ...listed } = file;
    if (options.json) await printJson(options.skipped ? file : listed);
    else
      await printLine(options.skipped ? `${printablePath(file.path)}  ${reason}` : printablePath(file.path));
  }
  return EXIT.complete;
}

/** `tidemark chunks FILE` */
export async function chunksCommand(
  file: string,
  options: { readonly json?: boolean; readonly language?: string; readonly parser?: ParserKind },
): Promise<number> {
  const path = await onDisk(file);
  const { language, parser } = options;
  const chunks = chunkFile(path, {
    ...(language === undefined ? {} : { language }),
    ...(parser === undefined ? {} : { parser }),
  });
  if (await looksBinaryFile(path)) {
    process.stderr.write(`note: ${printablePath(file)} looks binary; tidemark index leaves such files out\n`);
  }
  for await (const chunk of chunks) {
    if (options.json) {
      await printJson(chunk);
      continue;
    }
    const name = [chunk.scope, chunk.symbol].filter((part) => part !== null).join(' > ');
    const head = [`${chunk.startLine}-${chunk.endLine}`, chunk.language ?? 'text', printable(name)];
    await printLine(head.filter((part) => part !== '').join('  '));
    for (const line of printableLines(chunk.text)) await printLine(`    ${line}`);
  }
  return EXIT.complete;
}

/** Takes a path as `files` and `search` write it, too: `\xHH` for a byte that is not text. */
async function onDisk(file: string): Promise<string | Buffer> {
  if (!/\\x[0-9a-f]{2}/i.test(file) || (await exists(file))) return file;
  const decoded = decodePath(file);
  return (await exists(decoded)) ? decoded : file;
}

const exists = (path: string | Buffer): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** `tidemark clean` */
export async function cleanCommand(dir: string, options: CommonOptions): Promise<number> {
  await using index = await openIndex(dir, openOptions(options));
  await index.clean();
  if (options.json) await printJson({ removed: index.indexDir });
  else await printLine(`removed ${index.indexDir}`);
  return EXIT.complete;
}

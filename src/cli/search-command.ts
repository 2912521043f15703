import { type Hit, openIndex, type SearchMode, TidemarkError, type TidemarkIndex } from '../index.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { type CommonOptions, openOptions } from './options.ts';
import { printable, printableLines, printablePath, printJson, printLine } from './output.ts';

export interface SearchCommandOptions extends CommonOptions {
  readonly limit: number;
  readonly path?: string;
  readonly language?: string;
  readonly kind?: 'code' | 'docs';
  readonly mode: SearchMode;
}

const SNIPPET_LINES = 8;
const SNIPPET_COLUMNS = 160;

/** `tidemark search` */
export async function searchCommand(
  query: string,
  dir: string,
  options: SearchCommandOptions,
): Promise<number> {
  await using index = await openForSearch(query, dir, options);
  const { limit, path, language, kind, mode } = options;
  const result = await index.search(query, {
    limit,
    mode,
    ...(path === undefined ? {} : { path }),
    ...(language === undefined ? {} : { language }),
    ...(kind === undefined ? {} : { kind }),
  });
  if (options.json) {
    await printJson(result);
    return EXIT.complete;
  }
  for (const hit of result.hits) await printHit(hit);
  if (result.hits.length === 0) process.stderr.write('nothing found\n');
  if (result.coverage < 1 && mode !== 'lexical') {
    const percent = Math.floor(result.coverage * 100);
    process.stderr.write(
      `only ${percent} % of the chunks can be found by meaning so far; tidemark index embeds the others\n`,
    );
  }
  return EXIT.complete;
}

/** A second word of a query without quotes is taken for the directory. */
async function openForSearch(query: string, dir: string, options: CommonOptions): Promise<TidemarkIndex> {
  try {
    return await openIndex(dir, openOptions(options));
  } catch (cause) {
    if (!(cause instanceof TidemarkError) || cause.code !== 'ERR_TIDEMARK_ROOT_MISSING') throw cause;
    const quoted = JSON.stringify(`${query} ${dir}`);
    throw new UsageError(`${cause.message} If it is part of the query, write ${quoted}.`, { cause });
  }
}

async function printHit(hit: Hit): Promise<void> {
  const color = process.stdout.isTTY && process.env.NO_COLOR === undefined;
  const place = `${printablePath(hit.path)}:${hit.startLine}`;
  const symbol = hit.symbol === null ? '' : `  ${printable(hit.symbol)}`;
  await printLine(color ? `\u001b[36m${place}\u001b[0m\u001b[1m${symbol}\u001b[0m` : `${place}${symbol}`);
  const lines = printableLines(hit.text);
  for (const line of lines.slice(0, SNIPPET_LINES)) await printLine(`    ${shorten(line)}`);
  const more = lines.length - SNIPPET_LINES;
  if (more > 0) await printLine(`    ... ${more} more ${more === 1 ? 'line' : 'lines'}`);
  await printLine('');
}

function shorten(line: string): string {
  return line.length <= SNIPPET_COLUMNS ? line : `${line.slice(0, SNIPPET_COLUMNS)} ...`;
}

import { type Hit, openIndex, type SearchMode, TidemarkError, type TidemarkIndex } from '../index.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { type CommonOptions, openOptions, type Place } from './options.ts';
import { printable, printableLines, printablePath, printJson, printLine } from './output.ts';
import { snippet } from './snippet.ts';

export interface SearchCommandOptions extends CommonOptions {
  readonly limit: number;
  readonly path?: string;
  readonly language?: string;
  readonly kind?: 'code' | 'docs';
  readonly mode: SearchMode;
  readonly files?: boolean;
  readonly like?: Place;
}

const SNIPPET_LINES = 8;
const SNIPPET_COLUMNS = 160;

/** `tidemark search` */
export async function searchCommand(
  query: string | undefined,
  dir: string,
  options: SearchCommandOptions,
): Promise<number> {
  const { like } = options;
  // Without a query the directory comes first.
  const [asked, root] = like === undefined ? [query, dir] : [undefined, query ?? dir];
  if (like !== undefined && query !== undefined && dir !== '.')
    throw new UsageError(`--like takes no query; leave out ${JSON.stringify(query)}`);
  if (like === undefined && asked === undefined) throw new UsageError("missing required argument 'query'");
  await using index = await openForSearch(asked, root, options);
  const { limit, path, language, kind, mode, files } = options;
  const narrowed = {
    limit,
    mode,
    ...(path === undefined ? {} : { path }),
    ...(language === undefined ? {} : { language }),
    ...(kind === undefined ? {} : { kind }),
    ...(files ? { perFile: 1 } : {}),
  };
  const result =
    like === undefined
      ? await index.search(asked!, narrowed)
      : await index.related(like.path, like.line, narrowed);
  if (options.json) {
    await printJson(result);
    return EXIT.complete;
  }
  for (const hit of result.hits)
    await (files ? printLine(printablePath(hit.path)) : printHit(hit, asked ?? ''));
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
async function openForSearch(
  query: string | undefined,
  dir: string,
  options: CommonOptions,
): Promise<TidemarkIndex> {
  try {
    return await openIndex(dir, openOptions(options));
  } catch (cause) {
    const missing = cause instanceof TidemarkError && cause.code === 'ERR_TIDEMARK_ROOT_MISSING';
    if (!missing || query === undefined) throw cause;
    const quoted = JSON.stringify(`${query} ${dir}`);
    throw new UsageError(`${cause.message} If it is part of the query, write ${quoted}.`, { cause });
  }
}

async function printHit(hit: Hit, query: string): Promise<void> {
  const color = process.stdout.isTTY && (process.env.NO_COLOR ?? '') === '';
  const place = `${printablePath(hit.path)}:${hit.startLine}`;
  const symbol = hit.symbol === null ? '' : `  ${printable(hit.symbol)}`;
  await printLine(color ? `\u001b[36m${place}\u001b[0m\u001b[1m${symbol}\u001b[0m` : `${place}${symbol}`);
  const { lines, before, after } = snippet(printableLines(hit.text), query, SNIPPET_LINES);
  if (before > 0) await printLine(`    ... ${count(before)}`);
  for (const line of lines) await printLine(`    ${shorten(line)}`);
  if (after > 0) await printLine(`    ... ${count(after, 'more ')}`);
  await printLine('');
}

const count = (lines: number, more = '') => `${lines} ${more}${lines === 1 ? 'line' : 'lines'}`;

function shorten(line: string): string {
  return line.length <= SNIPPET_COLUMNS ? line : `${line.slice(0, SNIPPET_COLUMNS)} ...`;
}

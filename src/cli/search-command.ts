import { type Hit, openIndex, type SearchMode } from '../index.ts';
import { EXIT } from './exit-codes.ts';
import { type CommonOptions, openOptions } from './options.ts';
import { printable, printJson, printLine } from './output.ts';

export interface SearchCommandOptions extends CommonOptions {
  readonly limit: number;
  readonly path?: string;
  readonly language?: string;
  readonly kind?: 'code' | 'docs';
  readonly mode: SearchMode;
}

const SNIPPET_LINES = 8;

/** `tidemark search` */
export async function searchCommand(
  query: string,
  dir: string,
  options: SearchCommandOptions,
): Promise<number> {
  await using index = await openIndex(dir, openOptions(options));
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
      `${percent} % of the index can be searched by meaning so far; tidemark index goes on with it\n`,
    );
  }
  return EXIT.complete;
}

async function printHit(hit: Hit): Promise<void> {
  const color = process.stdout.isTTY && process.env.NO_COLOR === undefined;
  const place = printable(`${hit.path}:${hit.startLine}`);
  const symbol = hit.symbol === null ? '' : `  ${printable(hit.symbol)}`;
  await printLine(color ? `\u001b[36m${place}\u001b[0m\u001b[1m${symbol}\u001b[0m` : `${place}${symbol}`);
  const lines = hit.text.split('\n');
  for (const line of lines.slice(0, SNIPPET_LINES)) await printLine(`    ${printable(line).slice(0, 160)}`);
  if (lines.length > SNIPPET_LINES) await printLine(`    ... ${lines.length - SNIPPET_LINES} more lines`);
  await printLine('');
}

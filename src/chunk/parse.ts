import { Parser, type Range, type Tree } from 'web-tree-sitter';
import { guardStack, type LoadedGrammar } from './grammar-loader.ts';
import type { ParseOptions, SyntaxParser } from './syntax-parser.ts';
import { workLimit } from './work-clock.ts';

/**
 * How often the parser may report progress before it is stopped, for each 16 KiB of text. A count and not a clock, so
 * that where a file is given up does not depend on the machine's load. Of 1,100 real files in 46 languages none needs more
 * than 351.
 */
const PROGRESS_PER_BLOCK = 1500;
/**
 * How often it may ask for text, in pieces of up to 5,120 UTF-16 units: a scanner that looks ahead to the end of the file
 * for each token reports no progress. Of 1,400 real files in 46 languages the one that asks most asks 645 times.
 */
const READS_PER_BLOCK = 1500;
const BLOCK = 16 * 1024;
/**
 * For parsers that need a thousand times as long from one report to the next, as where a bracket may be ten things. The
 * slowest parser takes 3 seconds for a megabyte of ordinary code.
 */
const WORK_LIMIT_MS = 1000;
const WORK_LIMIT_MS_PER_MB = 12_000;

let parser: Parser | undefined;

/** A grammar of this thread's runtime. */
export function wasmParser(loaded: LoadedGrammar): SyntaxParser {
  const { grammar, query, embedded } = loaded;
  return { grammar, query, embedded, parse: async (text, options) => parse(loaded, text, options) };
}

/**
 * Parses `text`; null where the parser took too long. The caller deletes the tree. Throws `RuntimeError` where the
 * parser trapped: then this thread's runtime is not to be trusted any more.
 */
export function parse(grammar: LoadedGrammar, text: string, options: ParseOptions = {}): Tree | null {
  const { ranges, oldTree } = options;
  const length =
    ranges?.reduce((sum, { startIndex, endIndex }) => sum + endIndex - startIndex, 0) ?? text.length;
  parser ??= new Parser();
  const p = parser;
  p.setLanguage(grammar.language);
  const blocks = 1 + Math.ceil(length / BLOCK);
  let left = PROGRESS_PER_BLOCK * blocks;
  let reads = READS_PER_BLOCK * blocks;
  const tooLong = workLimit(WORK_LIMIT_MS + (length / 1e6) * WORK_LIMIT_MS_PER_MB);
  let parsing = true;
  // The tree keeps it, to tell the text of its nodes. Where it is asked too often, the text ends.
  const read = (index: number) => (parsing && --reads < 0 ? undefined : text.slice(index));
  let tree = guardStack(() =>
    p.parse(read, (oldTree as Tree | undefined) ?? null, {
      progressCallback: () => --left < 0 || reads < 0 || tooLong(),
      ...(ranges === undefined ? {} : { includedRanges: ranges as Range[] }),
    }),
  );
  parsing = false;
  if (reads < 0) {
    tree?.delete();
    tree = null;
  }
  // A cancelled parse would otherwise be resumed by the next one.
  if (tree === null) p.reset();
  return tree;
}

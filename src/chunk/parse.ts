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
const BLOCK = 16 * 1024;
/**
 * For parsers that need a thousand times as long from one report to the next (a bracket that may be ten things, a scanner
 * that looks ahead to the end of the file). The slowest parser takes 3 seconds for a megabyte of ordinary code.
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
  const own = ranges === undefined ? text : ranges.map((r) => text.slice(r.startIndex, r.endIndex)).join('');
  if (grammar.grammar.tooDeep?.(own)) return null;
  parser ??= new Parser();
  const p = parser;
  p.setLanguage(grammar.language);
  let left = PROGRESS_PER_BLOCK * (1 + Math.ceil(own.length / BLOCK));
  const tooLong = workLimit(WORK_LIMIT_MS + (own.length / 1e6) * WORK_LIMIT_MS_PER_MB);
  const tree = guardStack(() =>
    p.parse(text, (oldTree as Tree | undefined) ?? null, {
      progressCallback: () => --left < 0 || tooLong(),
      ...(ranges === undefined ? {} : { includedRanges: ranges as Range[] }),
    }),
  );
  // A cancelled parse would otherwise be resumed by the next one.
  if (tree === null) p.reset();
  return tree;
}

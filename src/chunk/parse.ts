import { Parser, type Tree } from 'web-tree-sitter';
import { guardStack, type LoadedGrammar } from './grammar-loader.ts';

/**
 * How often the parser may report progress before it is stopped, for each 16 KiB of text. A count and not a clock, so
 * that where a file is given up does not depend on the machine's load. Ordinary code needs a tenth of it.
 */
const PROGRESS_PER_BLOCK = 4000;
const BLOCK = 16 * 1024;
/** For work that the parser does between two reports. */
const CLOCK_LIMIT_MS = 30_000;

let parser: Parser | undefined;

/**
 * Parses `text`; null where the parser took too long. The caller deletes the tree. Throws `RuntimeError` where the
 * parser trapped: then this thread's runtime is not to be trusted any more.
 */
export function parse(grammar: LoadedGrammar, text: string): Tree | null {
  parser ??= new Parser();
  const p = parser;
  p.setLanguage(grammar.language);
  let left = PROGRESS_PER_BLOCK * (1 + Math.ceil(text.length / BLOCK));
  const deadline = Date.now() + CLOCK_LIMIT_MS;
  const tree = guardStack(() =>
    p.parse(text, null, {
      progressCallback: () => --left < 0 || (left % 64 === 0 && Date.now() > deadline),
    }),
  );
  // A cancelled parse would otherwise be resumed by the next one.
  if (tree === null) p.reset();
  return tree;
}

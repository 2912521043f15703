import { Parser, type Range, type Tree } from 'web-tree-sitter';
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

export interface ParseOptions {
  /** The parts of the text to read, in order; the rest is as if it were not there. By default all of it. */
  readonly ranges?: Range[];
  /** A tree of the same grammar that was told of all edits: what they did not touch is taken over from it. */
  readonly oldTree?: Tree;
}

/**
 * Parses `text`; null where the parser took too long. The caller deletes the tree. Throws `RuntimeError` where the
 * parser trapped: then this thread's runtime is not to be trusted any more.
 */
export function parse(grammar: LoadedGrammar, text: string, options: ParseOptions = {}): Tree | null {
  parser ??= new Parser();
  const p = parser;
  p.setLanguage(grammar.language);
  const { ranges, oldTree } = options;
  const length = ranges?.reduce((sum, range) => sum + range.endIndex - range.startIndex, 0) ?? text.length;
  let left = PROGRESS_PER_BLOCK * (1 + Math.ceil(length / BLOCK));
  const deadline = Date.now() + CLOCK_LIMIT_MS;
  const tree = guardStack(() =>
    p.parse(text, oldTree ?? null, {
      progressCallback: () => --left < 0 || (left % 64 === 0 && Date.now() > deadline),
      ...(ranges === undefined ? {} : { includedRanges: ranges }),
    }),
  );
  // A cancelled parse would otherwise be resumed by the next one.
  if (tree === null) p.reset();
  return tree;
}

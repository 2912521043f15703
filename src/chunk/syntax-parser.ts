import type { Grammar } from '../../grammars/grammar.ts';
import type { EditableTree, SyntaxQuery, SyntaxRange, SyntaxTree } from '../../grammars/syntax-tree.ts';

export interface ParseOptions {
  /** The parts of the text to read, in order; the rest is as if it were not there. By default all of it. */
  readonly ranges?: readonly SyntaxRange[];
  /** A tree of the same grammar that was told of all edits: what they did not touch is taken over from it. */
  readonly oldTree?: EditableTree;
}

/** A grammar that is ready to parse, by whichever binding. It lives until its thread or process ends. */
export interface SyntaxParser {
  readonly grammar: Grammar;
  /** For definitions, and for text in other languages. */
  readonly query: SyntaxQuery | null;
  readonly embedded: SyntaxQuery | null;
  /**
   * Parses `text`, which must not be {@link nestedTooDeep}; null where that took too long. The caller deletes the tree. Rejects where the parser broke down: then
   * the thread or process is not to be trusted any more.
   */
  parse(text: string, options?: ParseOptions): Promise<SyntaxTree | null>;
}

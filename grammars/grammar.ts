/** One language: how to recognise its files, which parser reads them, and what in them has a name. */
export interface Grammar {
  /** The canonical name, shown to users and stored in the index. */
  readonly name: string;
  /** Other names that `--language` accepts. */
  readonly aliases?: readonly string[];
  /** Lower case, with the dot; the longest that matches wins. */
  readonly extensions: readonly string[];
  /** Whole file names, as they are written. */
  readonly filenames?: readonly string[];
  /** Interpreters named on a `#!` line, without path and version. */
  readonly shebangs?: readonly string[];
  readonly kind: 'code' | 'docs';
  /** The parser; absent where none is to be had, and then the file is chunked by lines. */
  readonly wasm?: GrammarWasm;
  /**
   * A tree-sitter query for what has a name:
   * - `@definition.<kind>` on the whole node and `@name` on its name;
   * - `@scope`, where the syntax names the owner elsewhere than in an enclosing definition (a Go receiver);
   * - `@body`, where the body lies beside the node and not in it (Dart): the definition reaches to its end;
   * - captures whose name begins with `_` only serve predicates.
   *
   * One node may match several patterns: the last pattern in the text wins, so write the special after the
   * general. Enclosing definitions give the scope chain.
   */
  readonly definitions?: string;
  /**
   * How deep below the root a pattern of `definitions` may begin. Saves looking at every value of a data file where the
   * patterns begin at the top.
   */
  readonly definitionDepth?: number;
  /**
   * Types of nodes that definitions stand in with little around them: lists of declarations, blocks, `export`. Where it is
   * given, definitions are looked for along the walk that cuts a file: what is named deep within an expression that fits
   * a chunk is passed over. Without it every token is looked at.
   */
  readonly holders?: readonly string[];
  /** Field names or node types of a definition's body: what lies before it is the signature. */
  readonly body?: readonly string[];
  /** Node types of comments. */
  readonly comments: readonly string[];
  /** What begins a comment that runs to the end of the line. */
  readonly lineComment?: string;
  /** An apostrophe is not always a quote: it may stand for a lifetime or a prime, and what it quotes is one character. */
  readonly apostrophes?: boolean;
  /** Words that close a block, by what its first line matches; the first that does counts. */
  readonly blockEnds?: readonly (readonly [opener: RegExp, closer: string])[];
  /** True where `text` must not be parsed: its nesting is more than the parser's memory or time is made for. */
  readonly tooDeep?: (text: string) => boolean;
  /** Most UTF-16 units that are parsed at a time, where the parser takes time by the square of them. */
  readonly maxWindow?: number;
  /** What the parser must read before a fragment taken from the middle of a file. */
  readonly preamble?: string;
  /**
   * A tree-sitter query for text in another language: `@content` is that text, `@language` names its language, and where
   * nothing does, `@content.<language>` says what it is. Of several matches one with `@language` counts.
   */
  readonly embedded?: string;
  /** Elements of markup whose content is not markup. */
  readonly rawElements?: readonly string[];
  /** How headings are written: a document is chunked by its sections, and their headings are its scope. */
  readonly headings?: HeadingStyle;
}

/**
 * `markdown`: `# Title`; `equals`: `== Title`; `stars`: `** Title`; `underlined`: a title over (or between) lines of one
 * repeated character, whose levels are told by the order of their appearance.
 */
export type HeadingStyle = 'markdown' | 'equals' | 'stars' | 'underlined';

/** Where a parser lies: a file in an npm package, `tidemark` itself for those it brings along. */
export interface GrammarWasm {
  readonly package: string;
  readonly file: string;
}

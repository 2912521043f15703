/** What kind of text a chunk is: program source, prose (Markdown and the like), or text of an unknown language. */
export type ChunkKind = 'code' | 'docs' | 'text';

/**
 * One piece of a file. The chunks of a file come in order, never overlap, and together cover every byte that is
 * not white space.
 */
export interface Chunk {
  /** First and last line, 1-based and inclusive. */
  readonly startLine: number;
  readonly endLine: number;
  /** Byte offsets in the original file, end exclusive, whatever its encoding. */
  readonly startByte: number;
  readonly endByte: number;
  /** Canonical language name, or null where the language is not known. */
  readonly language: string | null;
  readonly kind: ChunkKind;
  /** The definition that this chunk is, begins, or lies in. */
  readonly symbol: string | null;
  /** The definitions around `symbol`, outermost first, joined by ' > '. */
  readonly scope: string | null;
  readonly text: string;
}

/** A chunk as the parser worker makes it: with what the index needs besides. */
export interface IndexedChunk extends Chunk {
  /** Of the definition that the chunk lies in, where that begins in an earlier one; one line. */
  readonly signature: string | null;
  /** Definitions that begin in the chunk, one a line: `KIND NAME`. */
  readonly definitions: string | null;
  /** Content hash (hex, 128 bits) of what is embedded. */
  readonly hash: string;
  /** Search terms, separated by blanks; see `index-terms.ts`. */
  readonly terms: string;
}

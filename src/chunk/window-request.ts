import type { Encoding } from '../read/encoding.ts';
import type { ChunkKind, IndexedChunk } from './chunk.ts';

/** What one window hands to the next: the constructs that are open where it ends. */
export interface OpenScope {
  /** Source text that opens them. */
  readonly headers: string;
  readonly names: readonly string[];
}

export const NO_SCOPE: OpenScope = { headers: '', names: [] };

/** Why a stretch of a file was cut by lines although its language has a parser. */
export type LexicalReason = 'parser-budget' | 'no-progress' | 'parser-trap' | 'grammar-missing';

export interface WindowRequest {
  /** Bytes of the window; the first one stands at `startByte` of the file, on line `startLine`. */
  readonly bytes: Uint8Array;
  readonly startByte: number;
  readonly startLine: number;
  readonly encoding: Encoding;
  readonly language: string | null;
  readonly kind: ChunkKind;
  readonly first: boolean;
  readonly last: boolean;
  readonly scope: OpenScope;
  /** Cut by lines, whatever the language. */
  readonly lexical: boolean;
  /** All of it is parsed at once, whatever that takes: what windows are measured against. */
  readonly whole?: boolean;
  /** Largest chunk in estimated tokens. */
  readonly maxTokens: number;
  /** Of the file, as the embedder is told it. */
  readonly path: string;
  /** Whether the chunks get their content hash and search terms. */
  readonly indexed: boolean;
}

export interface WindowResult {
  readonly chunks: IndexedChunk[];
  /** Bytes that need not be shown again. Fewer than the last window has: what is left is one more window. */
  readonly consumed: number;
  /** Line of the first byte that was not consumed. */
  readonly nextLine: number;
  readonly scope: OpenScope;
  readonly lexicalReason: LexicalReason | null;
}

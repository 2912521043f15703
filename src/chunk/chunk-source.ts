import type { ByteSource } from '../read/byte-source.ts';
import { type Encoding, looksBinary, sniffEncoding } from '../read/encoding.ts';
import { WindowReader } from '../read/window-reader.ts';
import type { ChunkKind, IndexedChunk } from './chunk.ts';
import { detectLanguage, languageByName } from './languages.ts';
import { type ParserPool, ParserTrap } from './parser-pool.ts';
import { type LexicalReason, NO_SCOPE, type WindowRequest, type WindowResult } from './window-request.ts';

/** Less lowers agreement with whole-file parsing on giant classes; with 1 MiB trees and replies take twice the memory. */
export const WINDOW_BYTES = 512 * 1024;
/** What the bundled model was trained on, less its special tokens and room for the scope line. */
export const DEFAULT_MAX_TOKENS = 224;
/** After this many windows that no parser could read, the rest of a file is cut by lines. */
export const MAX_STRIKES = 3;

export interface ChunkSourceOptions {
  readonly pool: ParserPool;
  /** File name for language detection; need not exist. */
  readonly path: string;
  /** Overrides detection: a canonical language name, or null for plain lines. */
  readonly language?: string | null;
  readonly maxTokens?: number;
  readonly windowBytes?: number;
  /** A window is parsed at once, however many tokens it has. */
  readonly whole?: boolean;
  /** Expected size in bytes; a wrong one costs a copy. */
  readonly sizeHint?: number;
  /** Whether chunks get content hash and search terms. */
  readonly indexed?: boolean;
  /** Stop at once, without chunks, where the input is not text. */
  readonly skipBinary?: boolean;
  /** Sees every byte of the input once, in order. */
  readonly onBytes?: (bytes: Uint8Array) => void;
  readonly signal?: AbortSignal;
}

export interface ChunkReport {
  readonly binary: boolean;
  readonly language: string | null;
  readonly kind: ChunkKind;
  /** Where and why the file was cut by lines although its language has a parser: the first place. */
  readonly lexical: { readonly reason: LexicalReason; readonly fromByte: number } | null;
}

/**
 * Chunks an input window by window; yields the chunks of each. Memory: one window here and one in the worker,
 * whatever the input's size. The caller disposes `source` and the pool.
 */
export async function* chunkSource(
  source: ByteSource,
  options: ChunkSourceOptions,
): AsyncGenerator<IndexedChunk[], ChunkReport> {
  const reader = new WindowReader(source, {
    windowBytes: options.windowBytes ?? WINDOW_BYTES,
    ...(options.sizeHint === undefined ? {} : { sizeHint: options.sizeHint }),
    ...(options.onBytes === undefined ? {} : { onBytes: options.onBytes }),
  });
  let window = await reader.next();
  const { encoding, bomBytes, binary, language, kind } = inspect(window.bytes, options);
  const report = { binary, language, kind, lexical: null as ChunkReport['lexical'] };
  if (binary && options.skipBinary) return report;

  reader.consume(bomBytes);
  window = await reader.next();
  let first = true;
  let startLine = 1;
  let scope = NO_SCOPE;
  let strikes = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const request: WindowRequest = {
      bytes: window.bytes,
      startByte: window.start,
      startLine,
      encoding,
      language,
      kind,
      first,
      last: window.last,
      scope,
      lexical: binary || strikes >= MAX_STRIKES,
      maxTokens: options.maxTokens ?? DEFAULT_MAX_TOKENS,
      whole: options.whole ?? false,
      path: options.path,
      indexed: options.indexed ?? false,
    };
    const result = await chunkOrFallBack(options.pool, request);
    if (result.lexicalReason !== null) {
      strikes++;
      report.lexical ??= { reason: result.lexicalReason, fromByte: window.start };
    }
    if (result.chunks.length > 0) yield result.chunks;
    if (window.last && result.consumed >= window.bytes.byteLength) return report;
    reader.consume(result.consumed);
    startLine = result.nextLine;
    scope = result.scope;
    first = false;
    window = await reader.next();
  }
}

export interface Inspection {
  readonly encoding: Encoding;
  readonly bomBytes: number;
  readonly binary: boolean;
  readonly language: string | null;
  readonly kind: ChunkKind;
}

/** What the first window of an input says about all of it. */
export function inspect(
  bytes: Uint8Array,
  options: Pick<ChunkSourceOptions, 'path' | 'language'>,
): Inspection {
  const grammar =
    options.language === undefined
      ? detectLanguage(options.path, bytes)
      : languageByName(options.language ?? '');
  return {
    ...sniffEncoding(bytes),
    binary: looksBinary(bytes),
    language: grammar?.name ?? null,
    kind: grammar?.kind ?? 'text',
  };
}

async function chunkOrFallBack(pool: ParserPool, request: WindowRequest): Promise<WindowResult> {
  try {
    return await pool.run(request);
  } catch (error) {
    if (!(error instanceof ParserTrap) || request.lexical) throw error;
    const result = await pool.run({ ...request, lexical: true });
    return { ...result, lexicalReason: 'parser-trap' };
  }
}

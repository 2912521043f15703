import { decodeWindow } from '../read/encoding.ts';
import { denseEnd, safeCut } from './cut.ts';
import { type Cut, cutByLines, cutParsed } from './cut-window.ts';
import type { GrammarSource } from './embedded.ts';
import { chunkAt, type PlacedChunk, placeChunks } from './emit.ts';
import { editBetween, type KeptTree } from './kept-tree.ts';
import { ParsedWindow } from './parsed-window.ts';
import { UNITS_PER_TOKEN } from './token-estimate.ts';
import type { LexicalReason, WindowRequest, WindowResult } from './window-request.ts';

/** A window as it was chunked, for the next time. */
export interface WindowVersion {
  /** Null where the window was cut by lines. Whoever holds the version disposes it. */
  readonly tree: KeptTree | null;
  readonly text: string;
  readonly chunks: readonly PlacedChunk[];
}

export interface ChunkedWindow extends WindowResult {
  /** How many chunks at the beginning and at the end are the earlier ones: `chunks` are those in between. */
  readonly before: number;
  readonly after: number;
  /** By how much those at the end have moved within the window. */
  readonly shift: { readonly bytes: number; readonly lines: number };
  readonly version: WindowVersion;
}

/**
 * Chunks one window of a file. Its chunks depend on the request alone: a window that failed can be done again in another
 * thread. With an earlier version of the window, whose tree it takes over, only what differs is parsed, named and hashed,
 * and given. The caller disposes the new version's tree.
 */
export async function chunkWindow(
  request: WindowRequest,
  grammars: GrammarSource,
  earlier: WindowVersion | null,
): Promise<ChunkedWindow> {
  using earlierTree = earlier?.tree ?? null;
  const { text, bytesBetween } = decodeWindow(request.bytes, request.encoding, request.last);
  const grammar = request.lexical || request.language === null ? null : await grammars(request.language);
  const end =
    grammar === null || request.whole
      ? text.length
      : Math.min(denseEnd(text), grammar.grammar.maxWindow ?? text.length);
  const last = request.last && end === text.length;
  const body = last ? text : text.slice(0, safeCut(text.slice(0, end)));
  let reason: LexicalReason | null = null;
  let cut: Cut | null = null;
  let tree: KeptTree | null = null;
  if (grammar !== null) {
    const head = (request.first ? '' : (grammar.grammar.preamble ?? '')) + request.scope.headers;
    const limit = request.maxTokens * UNITS_PER_TOKEN;
    const parts = { head, body, last, limit };
    using parsed = await ParsedWindow.parse(parts, grammar, grammars, earlierTree);
    const attempt = parsed === null ? 'parser-budget' : cutParsed(parsed, request.maxTokens, last);
    if (typeof attempt === 'string') reason = attempt;
    else [cut, tree] = [attempt, parsed!.keepTree()];
  }
  cut ??= cutByLines({ ...request, last }, body);
  const { chunks, bytes, lines } = placeChunks(cut, bytesBetween);
  const { before, after } = unchanged(earlier, body, chunks);
  const [old, now] = [earlier?.chunks.at(-1), chunks.at(-1)];
  const shift =
    after === 0
      ? { bytes: 0, lines: 0 }
      : { bytes: now!.endByte - old!.endByte, lines: now!.endLine - old!.endLine };
  return {
    chunks: chunks.slice(before, chunks.length - after).map((place) => chunkAt(request, cut, place)),
    consumed: last ? request.bytes.byteLength : bytes,
    nextLine: request.startLine + lines,
    scope: cut.scope,
    lexicalReason: reason,
    before,
    after,
    shift,
    version: { tree, text: body, chunks },
  };
}

function unchanged(
  earlier: WindowVersion | null,
  text: string,
  chunks: readonly PlacedChunk[],
): { before: number; after: number } {
  if (earlier === null) return { before: 0, after: 0 };
  const edit = editBetween(earlier.text, text);
  const shift = edit === null ? 0 : edit.newEnd - edit.oldEnd;
  const same = (old: PlacedChunk | undefined, now: PlacedChunk, by: number) =>
    old !== undefined &&
    old.start + by === now.start &&
    old.end + by === now.end &&
    old.language === now.language &&
    old.label.symbol === now.label.symbol &&
    old.label.signature === now.label.signature &&
    old.label.begun.join('\n') === now.label.begun.join('\n') &&
    old.label.scope.join() === now.label.scope.join();
  let before = 0;
  const start = edit?.start ?? text.length;
  while (
    before < chunks.length &&
    chunks[before]!.end <= start &&
    same(earlier.chunks[before], chunks[before]!, 0)
  )
    before++;
  let after = 0;
  const most = Math.min(chunks.length, earlier.chunks.length) - before;
  while (after < most && edit !== null) {
    const now = chunks[chunks.length - 1 - after]!;
    if (now.start < edit.newEnd || !same(earlier.chunks[earlier.chunks.length - 1 - after], now, shift))
      break;
    after++;
  }
  return { before, after };
}

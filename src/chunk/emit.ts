import { isSpace, skipSpace } from './characters.ts';
import type { IndexedChunk } from './chunk.ts';
import type { Cut } from './cut-window.ts';
import { contentHash, embeddingText } from './embedding-text.ts';
import { indexTerms } from './index-terms.ts';
import type { Label } from './labels.ts';
import type { WindowRequest } from './window-request.ts';

/** Where a chunk lies in its window; bytes and lines are counted from the window's own start. */
export interface PlacedChunk {
  /** UTF-16 units from the start of the window's text. */
  readonly start: number;
  readonly end: number;
  readonly startByte: number;
  readonly endByte: number;
  readonly startLine: number;
  readonly endLine: number;
  readonly label: Label;
  /** The language of an embedded text that is most of it. */
  readonly language: string | null;
}

export interface PlacedWindow {
  readonly chunks: readonly PlacedChunk[];
  /** Bytes and lines up to where the next window begins. */
  readonly bytes: number;
  readonly lines: number;
}

/** Trims the ranges, gives each its first line's indentation, and counts bytes and lines. */
export function placeChunks(cut: Cut, bytesBetween: (start: number, end: number) => number): PlacedWindow {
  const { text, from, ranges } = cut;
  const chunks: PlacedChunk[] = [];
  let at = from;
  let bytes = 0;
  let lines = 0;
  let newline = -1;
  const advance = (to: number) => {
    bytes += bytesBetween(at - from, to - from);
    // Looked for once, however many chunks a line has.
    if (newline < at) newline = nextNewline(text, at);
    for (; newline < to; newline = nextNewline(text, newline + 1)) lines++;
    at = to;
  };
  ranges.starts.forEach((rangeStart, i) => {
    let end = ranges.ends[i]!;
    while (end > rangeStart && isSpace(text.charCodeAt(end - 1))) end--;
    const first = skipSpace(text, rangeStart);
    if (first >= end) return;
    const start = Math.max(at, indentationStart(text, first));
    advance(start);
    const [startByte, startLine] = [bytes, lines];
    advance(end);
    chunks.push({
      start: start - from,
      end: end - from,
      startByte,
      endByte: bytes,
      startLine,
      endLine: lines,
      label: cut.labels[i]!,
      language: cut.languages[i] ?? null,
    });
  });
  advance(cut.carry);
  return { chunks, bytes, lines };
}

/** The chunk at a place, with hash and terms where they are asked for. */
export function chunkAt(request: WindowRequest, cut: Cut, place: PlacedChunk): IndexedChunk {
  const { symbol, scope, signature, begun } = place.label;
  const text = cut.text.slice(cut.from + place.start, cut.from + place.end);
  const language = place.language ?? request.language;
  const scopes = scope.length === 0 ? null : scope.join(' > ');
  const definitions = begun.length === 0 ? null : begun.join('\n');
  const { kind, path, indexed } = request;
  return {
    startLine: request.startLine + place.startLine,
    endLine: request.startLine + place.endLine,
    startByte: request.startByte + place.startByte,
    endByte: request.startByte + place.endByte,
    language,
    kind,
    symbol,
    scope: scopes,
    text,
    signature,
    definitions,
    hash: indexed ? contentHash(embeddingText({ symbol, scope: scopes, text, signature, path })) : '',
    terms: indexed ? indexTerms({ path, text, symbol, definitions }) : '',
  };
}

function nextNewline(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at === -1 ? Number.POSITIVE_INFINITY : at;
}

function indentationStart(text: string, first: number): number {
  let at = first;
  while (at > 0) {
    const c = text.charCodeAt(at - 1);
    if (c !== 32 && c !== 9) return c === 10 ? at : first;
    at--;
  }
  return at;
}

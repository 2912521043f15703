import { isSpace, skipSpace } from './characters.ts';
import type { IndexedChunk } from './chunk.ts';
import type { Cut } from './cut-window.ts';
import { contentHash, embeddingText } from './embedding-text.ts';
import { searchTerms } from './terms.ts';
import type { LexicalReason, WindowRequest, WindowResult } from './window-request.ts';

/** Trims the ranges, gives each its first line's indentation, and counts bytes and lines. */
export function emitChunks(
  request: WindowRequest,
  cut: Cut,
  bytesBetween: (start: number, end: number) => number,
  lexicalReason: LexicalReason | null,
): WindowResult {
  const { text, from, ranges } = cut;
  const chunks: IndexedChunk[] = [];
  let at = from;
  let byte = request.startByte;
  let line = request.startLine;
  let newline = -1;
  const advance = (to: number) => {
    byte += bytesBetween(at - from, to - from);
    // Looked for once, however many chunks a line has.
    if (newline < at) newline = nextNewline(text, at);
    for (; newline < to; newline = nextNewline(text, newline + 1)) line++;
    at = to;
  };
  ranges.starts.forEach((rangeStart, i) => {
    let end = ranges.ends[i]!;
    while (end > rangeStart && isSpace(text.charCodeAt(end - 1))) end--;
    const first = skipSpace(text, rangeStart);
    if (first >= end) return;
    const start = Math.max(at, indentationStart(text, first));
    advance(start);
    const startByte = byte;
    const startLine = line;
    advance(end);
    const label = cut.labels[i]!;
    const scope = label.scope.length === 0 ? null : label.scope.join(' > ');
    const chunk = {
      startLine,
      endLine: line,
      startByte,
      endByte: byte,
      language: cut.languages[i] ?? request.language,
      kind: request.kind,
      symbol: label.symbol,
      scope,
      text: text.slice(start, end),
    };
    chunks.push({
      ...chunk,
      hash: request.indexed ? contentHash(embeddingText(chunk)) : '',
      terms: request.indexed ? searchTerms(chunk.text).join(' ') : '',
    });
  });
  advance(cut.carry);
  return {
    chunks,
    consumed: request.last ? request.bytes.byteLength : byte - request.startByte,
    nextLine: line,
    scope: cut.scope,
    lexicalReason,
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

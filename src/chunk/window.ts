import type { Node } from 'web-tree-sitter';
import { findDefinitions } from '../../grammars/definitions.ts';
import { decodeWindow, type Encoding } from '../read/encoding.ts';
import { isSpace, skipSpace } from './characters.ts';
import type { ChunkKind, IndexedChunk } from './chunk.ts';
import { safeCut } from './cut.ts';
import { contentHash, embeddingText } from './embedding-text.ts';
import type { LoadedGrammar } from './grammar-loader.ts';
import { closersOf, endsInError, openHeaders } from './headers.ts';
import { type Label, Labeller, scopeAt } from './labels.ts';
import { addLines } from './lines.ts';
import { type MergedRanges, mergePieces } from './merge.ts';
import { parse } from './parse.ts';
import { Pieces } from './pieces.ts';
import { syntaxPieces } from './syntax.ts';
import { searchTerms } from './terms.ts';
import { tokenPrefix, UNITS_PER_TOKEN } from './token-estimate.ts';

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
  /** Largest chunk in estimated tokens. */
  readonly maxTokens: number;
  /** Whether the chunks get their content hash and search terms. */
  readonly indexed: boolean;
}

export interface WindowResult {
  readonly chunks: IndexedChunk[];
  /** Bytes that need not be shown again; all of them where the window was the last. */
  readonly consumed: number;
  /** Line of the first byte that was not consumed. */
  readonly nextLine: number;
  readonly scope: OpenScope;
  readonly lexicalReason: LexicalReason | null;
}

interface Cut {
  readonly text: string;
  readonly from: number;
  readonly ranges: MergedRanges;
  readonly labels: Label[];
  /** Where the next window begins. */
  readonly carry: number;
  readonly scope: OpenScope;
}

/**
 * Chunks one window of a file. A pure function of its arguments: a window that failed can be done again in another
 * thread, and nothing of a file lives in a worker between windows.
 */
export function chunkWindow(request: WindowRequest, grammar: LoadedGrammar | null): WindowResult {
  const decoded = decodeWindow(request.bytes, request.encoding, request.last);
  const body = request.last ? decoded.text : decoded.text.slice(0, safeCut(decoded.text));
  let reason: LexicalReason | null = null;
  let cut: Cut | null = null;
  if (grammar !== null && !request.lexical) {
    const attempt = cutBySyntax(request, grammar, body);
    if (typeof attempt === 'string') reason = attempt;
    else cut = attempt;
  }
  cut ??= cutByLines(request, body);
  return emit(request, cut, decoded.bytesBetween, reason, request.last ? request.bytes.byteLength : null);
}

function cutBySyntax(request: WindowRequest, grammar: LoadedGrammar, body: string): Cut | LexicalReason {
  const preamble = request.first ? '' : (grammar.grammar.preamble ?? '');
  const head = preamble + request.scope.headers;
  const to = head.length + body.length;
  const closers = request.last ? '' : closersOf(request.scope.headers);
  let text = head + body + closers;
  let tree = parse(grammar, text);
  if (tree !== null && !request.last && endsInError(tree, to, body.length / 4)) {
    // Something large has opened in this window: close it, so that it is seen as what it is.
    const more = closersOf(openHeaders(tree, text, to));
    tree.delete();
    text = head + body + more;
    tree = parse(grammar, text);
  }
  if (tree === null) return 'parser-budget';
  try {
    const query = bracketSoup(tree.rootNode) ? null : grammar.query;
    const definitions = query === null ? [] : findDefinitions(grammar.grammar, query, tree.rootNode);
    const prefix = tokenPrefix(text);
    const limit = request.maxTokens * UNITS_PER_TOKEN;
    const unfinished = !request.last;
    const { pieces, leadStarts } = syntaxPieces({
      tree,
      text,
      prefix,
      from: head.length,
      to,
      limit,
      definitions,
      unfinished,
    });
    const ranges = mergePieces(pieces, prefix, limit, request.last);
    const carry = ranges.ends.at(-1) ?? head.length;
    if (unfinished && carry - head.length < body.length / 4) return 'no-progress';
    // Where a parser lost the thread, what was open before is taken to be open still.
    const open = scopeAt(definitions, head.length + 1);
    const lost = request.scope.names.slice(0, Math.max(0, request.scope.names.length - open.length));
    const labeller = new Labeller(
      definitions.map((d) => ({ ...d, startIndex: leadStarts.get(d.startIndex) ?? d.startIndex })),
    );
    const labels = ranges.starts.map((start, i) => {
      const label = labeller.label(start, ranges.ends[i]!);
      if (lost.length === 0) return label;
      if (label.symbol === null) return { symbol: lost.at(-1)!, scope: lost.slice(0, -1) };
      return { ...label, scope: [...lost, ...label.scope] };
    });
    if (!unfinished) return { text, from: head.length, ranges, labels, carry: to, scope: NO_SCOPE };
    const next = skipSpace(text, carry);
    const scope = { headers: openHeaders(tree, text, next), names: [...lost, ...scopeAt(definitions, next)] };
    return { text, from: head.length, ranges, labels, carry, scope };
  } finally {
    tree.delete();
  }
}

/**
 * An error with thousands of bare tokens in it: a query looks through all later siblings for a named one at each step,
 * which is quadratic where there is none.
 */
function bracketSoup(root: Node): boolean {
  const error = root.isError ? root : root.lastChild;
  return error?.isError === true && error.childCount > 2000 && error.namedChildCount * 10 < error.childCount;
}

function cutByLines(request: WindowRequest, text: string): Cut {
  const prefix = tokenPrefix(text);
  const limit = request.maxTokens * UNITS_PER_TOKEN;
  const pieces = new Pieces();
  addLines(pieces, text, prefix, 0, text.length, limit, 0);
  const ranges = mergePieces(pieces, prefix, limit, request.last);
  const label = { symbol: null, scope: request.scope.names };
  const labels = ranges.starts.map(() => label);
  const open = ranges.pendingStart === -1 ? text.length : ranges.pendingStart;
  // A window with a single piece must not come back unchanged.
  const carry = open === 0 && !request.last ? text.length : open;
  if (carry !== open) {
    ranges.starts.push(0);
    ranges.ends.push(text.length);
    labels.push(label);
  }
  return { text, from: 0, ranges, labels, carry: request.last ? text.length : carry, scope: request.scope };
}

/** Trims the ranges, gives each its first line's indentation, and counts bytes and lines. */
function emit(
  request: WindowRequest,
  cut: Cut,
  bytesBetween: (start: number, end: number) => number,
  lexicalReason: LexicalReason | null,
  consumedAll: number | null,
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
      language: request.language,
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
    consumed: consumedAll ?? byte - request.startByte,
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

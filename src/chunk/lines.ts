import { isCloser, isSpace, skipSpace } from './characters.ts';
import { GLUED, type Pieces } from './pieces.ts';
import { UNITS_PER_TOKEN } from './token-estimate.ts';

const NEWLINE = 10;

/**
 * Adds `text[start, end)` line by line; a line above `limit` (in token units) is cut at separators, at last between
 * characters. `depth` is the least cost of a cut; indentation and the lack of a blank line add to it.
 */
export function addLines(
  pieces: Pieces,
  text: string,
  prefix: Uint32Array,
  start: number,
  end: number,
  limit: number,
  depth: number,
): void {
  let at = start;
  let afterBlank = true;
  while (at < end) {
    const newline = text.indexOf('\n', at);
    const stop = newline === -1 || newline >= end ? end : newline + 1;
    const first = skipSpace(text, at, stop);
    if (first === stop) {
      afterBlank = true;
      at = stop;
      continue;
    }
    const indent = Math.min(8, (first - at) >> 1);
    const cost = at === start && depth === 0 ? 0 : depth + (afterBlank ? 0 : 1) + indent;
    if (prefix[stop]! - prefix[first]! <= limit) {
      pieces.add(first, stop, isCloser(text.charCodeAt(first)) ? cost + GLUED : cost);
    } else {
      addLongLine(pieces, text, prefix, first, stop, limit, cost);
    }
    afterBlank = false;
    at = stop;
  }
}

/** Half of the limit, so that the merge step has room to choose. */
function addLongLine(
  pieces: Pieces,
  text: string,
  prefix: Uint32Array,
  start: number,
  end: number,
  limit: number,
  cost: number,
): void {
  const target = Math.max(UNITS_PER_TOKEN, limit >> 1);
  let at = start;
  while (at < end) {
    let hard = furthest(prefix, at, end, target);
    if (hard < end) hard = bestSeparator(text, prefix, at, hard);
    pieces.add(at, hard, at === start ? cost : cost + 2);
    at = hard;
  }
}

/** The largest index whose text still fits `limit`; always moves by one character at least. */
function furthest(prefix: Uint32Array, start: number, end: number, limit: number): number {
  const bound = prefix[start]! + limit;
  let low = start + 1;
  let high = end;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (prefix[middle]! <= bound) low = middle;
    else high = middle - 1;
  }
  // A run without any token cost (white space) must not swallow the window.
  return Math.min(low, start + limit);
}

/** The best place for a cut in the last half of `text[start, hard)`. */
function bestSeparator(text: string, prefix: Uint32Array, start: number, hard: number): number {
  const from = start + Math.max(1, (hard - start) >> 1);
  let best = -1;
  let bestRank = 0;
  for (let i = hard; i >= from; i--) {
    const rank = separatorRank(text.charCodeAt(i - 1));
    if (rank > bestRank) {
      best = i;
      bestRank = rank;
      if (rank === 4) break;
    }
  }
  if (best === -1) {
    // Where a part of a long run of letters was charged: a window that begins here is charged alike.
    best = hard;
    while (best > from && prefix[best] === prefix[best - 1]) best--;
    if (best === from) best = hard;
  }
  return splitsPair(text, best) ? (best - 1 > start ? best - 1 : best + 1) : best;
}

function separatorRank(c: number): number {
  if (c === NEWLINE) return 4;
  if (c === 59 || c === 125) return 3;
  if (c === 44 || c === 93 || c === 41) return 2;
  return isSpace(c) ? 1 : 0;
}

function splitsPair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}

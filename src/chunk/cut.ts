import { isCloser } from './characters.ts';

const NEWLINE = 10;
const HASH = 35;
const COMMA = 44;
const SEMICOLON = 59;
const LOOK_BACK = 4096;

/**
 * Where to end the part of an unfinished window that is parsed: the last line in its second half that begins something in
 * column 0; else, of the lines in its last quarter that begin something, one with the least indentation, so that little
 * is open there; else the last line break; else the last end of a statement or an object; else its end.
 */
export function safeCut(text: string): number {
  const half = text.length >> 1;
  const lastQuarter = half + (half >> 1);
  let lineBreak = -1;
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let at = text.lastIndexOf('\n'); at >= half; at = text.lastIndexOf('\n', at - 1)) {
    if (lineBreak === -1) lineBreak = at + 1;
    if (beginsUnit(text, at + 1, at + 1)) return at + 1;
    if (at < lastQuarter || least === 1) continue;
    const indent = indentation(text, at + 1);
    if (indent < least && beginsUnit(text, at + 1, at + 1 + indent)) {
      best = at + 1;
      least = indent;
    }
  }
  if (best !== -1) return best;
  return lineBreak === -1 ? endOfUnit(text) : lineBreak;
}

/** White space at the beginning of the line at `at`, in UTF-16 units. */
export function indentation(text: string, at: number): number {
  let end = at;
  while (text.charCodeAt(end) === 32 || text.charCodeAt(end) === 9) end++;
  return end - at;
}

/** A tree takes some 100 bytes a token, beside what parsing it takes: enough for a window of 512 KiB of ordinary code. */
const MAX_TOKENS = 200_000;

/**
 * Where a text has had as many tokens (words and punctuation marks, roughly) as one window may have; its length where it has
 * fewer. Minified code has two or three times the tokens of other code.
 */
export function denseEnd(text: string): number {
  if (text.length <= MAX_TOKENS) return text.length;
  let tokens = 0;
  let inWord = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const word = (c >= 97 && c <= 122) || (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || c === 95 || c > 127;
    if (word ? !inWord : c > 32) {
      if (++tokens > MAX_TOKENS) return i;
    }
    inWord = word;
  }
  return text.length;
}

/**
 * True where the line at `line`, whose text is at `at`, has neither a closer nor a `#` in front and follows a blank line or
 * a closer.
 */
function beginsUnit(text: string, line: number, at: number): boolean {
  const c = text.charCodeAt(at);
  if (!(c > 32) || c === HASH || isCloser(c)) return false;
  let before = line - 2;
  while (
    before >= 0 &&
    (text.charCodeAt(before) === 32 || text.charCodeAt(before) === 13 || text.charCodeAt(before) === 9)
  )
    before--;
  if (before < 0) return false;
  const p = text.charCodeAt(before);
  return (
    p === NEWLINE ||
    isCloser(p) ||
    ((p === SEMICOLON || p === COMMA) && isCloser(text.charCodeAt(before - 1)))
  );
}

/** In a text without lines: behind the last brace or semicolon, so that a parser finds little unfinished. */
function endOfUnit(text: string): number {
  const from = Math.max(0, text.length - LOOK_BACK);
  for (let at = text.length - 1; at >= from; at--) {
    const c = text.charCodeAt(at);
    if (c === 125 || c === 59) return at + 1;
  }
  return avoidHalfPair(text);
}

function avoidHalfPair(text: string): number {
  const c = text.charCodeAt(text.length - 1);
  return c >= 0xd800 && c <= 0xdbff ? text.length - 1 : text.length;
}

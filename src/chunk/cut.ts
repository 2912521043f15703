import { isCloser } from './characters.ts';

const NEWLINE = 10;
const HASH = 35;

/**
 * Where to end the part of an unfinished window that is parsed: the last line in its second half that begins in column
 * 0 with neither a closer nor a `#` and follows a blank line or a closer; else the last line break; else its end.
 */
export function safeCut(text: string): number {
  const half = text.length >> 1;
  let lineBreak = -1;
  for (let at = text.lastIndexOf('\n'); at >= half; at = text.lastIndexOf('\n', at - 1)) {
    if (lineBreak === -1) lineBreak = at + 1;
    if (beginsUnit(text, at + 1)) return at + 1;
  }
  return lineBreak === -1 ? avoidHalfPair(text) : lineBreak;
}

function beginsUnit(text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  if (!(c > 32) || c === HASH || isCloser(c)) return false;
  let before = at - 2;
  while (
    before >= 0 &&
    (text.charCodeAt(before) === 32 || text.charCodeAt(before) === 13 || text.charCodeAt(before) === 9)
  )
    before--;
  if (before < 0) return false;
  const p = text.charCodeAt(before);
  return p === NEWLINE || isCloser(p) || (p === 59 && isCloser(text.charCodeAt(before - 1)));
}

function avoidHalfPair(text: string): number {
  const c = text.charCodeAt(text.length - 1);
  return c >= 0xd800 && c <= 0xdbff ? text.length - 1 : text.length;
}

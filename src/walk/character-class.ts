import type { ByteString } from './byte-string.ts';

const isLower = (c: number): boolean => c >= 0x61 && c <= 0x7a;
const isUpper = (c: number): boolean => c >= 0x41 && c <= 0x5a;
const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
const isAlpha = (c: number): boolean => isLower(c) || isUpper(c);
const isGraph = (c: number): boolean => c > 0x20 && c < 0x7f;

/** The POSIX names, ASCII only as in git. */
const NAMED: ReadonlyMap<string, (c: number) => boolean> = new Map([
  ['alnum', (c: number) => isAlpha(c) || isDigit(c)],
  ['alpha', isAlpha],
  ['blank', (c: number) => c === 0x20 || c === 0x09],
  ['cntrl', (c: number) => c < 0x20 || c === 0x7f],
  ['digit', isDigit],
  ['graph', isGraph],
  ['lower', isLower],
  ['print', (c: number) => c >= 0x20 && c < 0x7f],
  ['punct', (c: number) => isGraph(c) && !isAlpha(c) && !isDigit(c)],
  ['space', (c: number) => c === 0x20 || (c >= 0x09 && c <= 0x0d)],
  ['upper', isUpper],
  ['xdigit', (c: number) => isDigit(c) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66)],
]);

/**
 * Reads the class that opens with the `[` at `start`, such as `[!a-z[:digit:]\]]`: `members[byte]` is 1 for each
 * byte in it, and `end` is the index after its `]`. Undefined where it is not closed or names an unknown set.
 */
export function readCharacterClass(
  pattern: ByteString,
  start: number,
  ignoreCase: boolean,
): { members: Uint8Array; end: number } | undefined {
  const members = new Uint8Array(256);
  let at = start + 1;
  const negated = pattern[at] === '!' || pattern[at] === '^';
  if (negated) at++;
  const first = at;
  // The member before a `-`; undefined at the start and after a range or a named set.
  let previous: number | undefined;
  // A `]` in the first place is a member.
  while (at === first || pattern[at] !== ']') {
    if (at >= pattern.length) return undefined;
    if (pattern[at] === '[' && pattern[at + 1] === ':') {
      const close = pattern.indexOf(']', at + 2);
      if (close < 0) return undefined;
      if (close > at + 2 && pattern[close - 1] === ':') {
        if (!addNamed(members, pattern.slice(at + 2, close - 1), ignoreCase)) return undefined;
        previous = undefined;
        at = close + 1;
        continue;
      }
    }
    const isRange =
      pattern[at] === '-' && previous !== undefined && at + 1 < pattern.length && pattern[at + 1] !== ']';
    if (isRange) at++;
    if (pattern[at] === '\\') at++;
    const byte = pattern.charCodeAt(at);
    if (Number.isNaN(byte)) return undefined;
    if (isRange && previous !== undefined) {
      addRange(members, previous, byte, ignoreCase);
      previous = undefined;
    } else {
      members[byte] = 1;
      previous = byte;
    }
    at++;
  }
  if (negated) for (let c = 0; c < 256; c++) members[c] = members[c] === 1 ? 0 : 1;
  return { members, end: at + 1 };
}

function addRange(members: Uint8Array, from: number, to: number, ignoreCase: boolean): void {
  for (let c = from; c <= to; c++) {
    members[c] = 1;
    if (ignoreCase && isUpper(c)) members[c + 32] = 1;
  }
}

function addNamed(members: Uint8Array, name: string, ignoreCase: boolean): boolean {
  const belongs = NAMED.get(name);
  if (belongs === undefined) return false;
  for (let c = 0; c < 256; c++) {
    if (belongs(c) || (ignoreCase && name === 'upper' && isLower(c))) members[c] = 1;
  }
  return true;
}

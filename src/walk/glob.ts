import type { ByteString } from './byte-string.ts';
import { readCharacterClass } from './character-class.ts';

const SLASH = 0x2f;
const BACKSLASH = 0x5c;

// Tokens below 256 are that byte; from FIRST_CLASS on they are an index into `classes`.
const ANY_BYTE = 256;
const STAR = 257;
const GLOBSTAR = 258;
const ANY_DIRECTORIES = 259;
const FIRST_CLASS = 260;

/**
 * A compiled glob of a gitignore pattern, with the semantics that gitignore(5) and git's tests give it. It works
 * on bytes, as git does: `?` is one byte of a name, not one character.
 */
export interface Glob {
  readonly tokens: readonly number[];
  readonly classes: readonly Uint8Array[];
}

/**
 * Compiles `pattern`; undefined where it can never match (an unclosed class, a backslash at the end).
 * With `ignoreCase` the text to match must come folded (`foldAscii`).
 */
export function compileGlob(pattern: ByteString, ignoreCase: boolean): Glob | undefined {
  const tokens: number[] = [];
  const classes: Uint8Array[] = [];
  let at = 0;
  while (at < pattern.length) {
    const byte = pattern[at];
    if (byte === '*') {
      let end = at + 1;
      while (pattern[end] === '*') end++;
      const spansSlashes = end - at > 1 && standsAlone(pattern, at, end);
      if (spansSlashes && pattern[end] === '/') {
        tokens.push(ANY_DIRECTORIES);
        end++;
      } else {
        tokens.push(spansSlashes ? GLOBSTAR : STAR);
      }
      at = end;
    } else if (byte === '?') {
      tokens.push(ANY_BYTE);
      at++;
    } else if (byte === '[') {
      const found = readCharacterClass(pattern, at, ignoreCase);
      if (found === undefined) return undefined;
      tokens.push(FIRST_CLASS + classes.length);
      classes.push(found.members);
      at = found.end;
    } else if (byte === '\\') {
      const literal = pattern.charCodeAt(at + 1);
      if (Number.isNaN(literal)) return undefined;
      // Not folded, as in git: under ignoreCase an escaped capital matches nothing.
      tokens.push(literal);
      at += 2;
    } else {
      const literal = pattern.charCodeAt(at);
      tokens.push(ignoreCase && isUpper(literal) ? literal + 32 : literal);
      at++;
    }
  }
  return { tokens, classes };
}

/**
 * Whether the glob matches all of `text` from `start` on. On a mismatch only the last star and, beyond a slash,
 * the last `**` are tried again, one byte further: earlier ones cannot help, so the time is polynomial.
 */
export function matchGlob(glob: Glob, text: ByteString, start: number): boolean {
  const { tokens, classes } = glob;
  const end = text.length;
  let at = start;
  let next = 0;
  let star = -1;
  let starAt = 0;
  let wide = -1;
  let wideAt = 0;
  for (;;) {
    const token = tokens[next];
    if (token === undefined) {
      if (at === end) return true;
    } else if (token === STAR) {
      star = next++;
      starAt = at;
      continue;
    } else if (token === GLOBSTAR || token === ANY_DIRECTORIES) {
      wide = next++;
      wideAt = at;
      star = -1;
      continue;
    } else if (at < end && matchesByte(token, text.charCodeAt(at), classes)) {
      at++;
      next++;
      continue;
    }
    if (star >= 0 && starAt < end && text.charCodeAt(starAt) !== SLASH) {
      at = ++starAt;
      next = star + 1;
      continue;
    }
    if (wide < 0) return false;
    if (tokens[wide] === ANY_DIRECTORIES) {
      const slash = text.indexOf('/', wideAt);
      if (slash < 0) return false;
      wideAt = slash + 1;
    } else {
      if (wideAt >= end) return false;
      wideAt++;
    }
    at = wideAt;
    next = wide + 1;
    star = -1;
  }
}

function matchesByte(token: number, byte: number, classes: readonly Uint8Array[]): boolean {
  if (token < ANY_BYTE) return token === byte;
  if (byte === SLASH) return false;
  return token === ANY_BYTE || classes[token - FIRST_CLASS]?.[byte] === 1;
}

/** Whether the stars from `at` to `end` are a whole path component, which is what lets `**` cross slashes. */
function standsAlone(pattern: ByteString, at: number, end: number): boolean {
  const opens = at === 0 || pattern.charCodeAt(at - 1) === SLASH;
  const after = pattern.charCodeAt(end);
  const closes =
    end === pattern.length ||
    after === SLASH ||
    (after === BACKSLASH && pattern.charCodeAt(end + 1) === SLASH);
  return opens && closes;
}

function isUpper(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

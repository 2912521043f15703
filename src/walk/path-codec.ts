import type { ByteString } from './byte-string.ts';
import { isAscii, toByteString, toText } from './byte-string.ts';

const ESCAPE = /\\x([0-9a-f]{2})/gi;
const ESCAPED_BACKSLASH = '\\x5c';

/**
 * The path of a file as tidemark writes it: valid UTF-8 stays as it is, each byte that is not becomes `\xHH`, and
 * so that this can be undone the backslash of a `\xHH` that is really in the name becomes `\x5c`. On Windows,
 * where a backslash cannot be in a name, it is a separator and becomes `/`.
 *
 * `decodePath` is the exact inverse.
 */
export function encodePathBytes(bytes: Buffer, platform: NodeJS.Platform = process.platform): string {
  const raw = bytes.toString('latin1');
  return toText(encodeBytes(platform === 'win32' ? raw.replaceAll('\\', '/') : raw));
}

/** The bytes of a path that `encodePathBytes` wrote, for `node:fs`. */
export function decodePath(path: string): Buffer {
  return Buffer.from(decodeBytes(toByteString(path)), 'latin1');
}

/** As {@link encodePathBytes}; the result is the UTF-8 bytes of the encoded path. */
export function encodeBytes(raw: ByteString): ByteString {
  if (isAscii(raw)) return escapeBackslashes(raw);
  let out = '';
  let from = 0;
  let at = 0;
  while (at < raw.length) {
    const length = sequenceLength(raw, at);
    if (length > 0) {
      at += length;
      continue;
    }
    const hex = raw.charCodeAt(at).toString(16).padStart(2, '0');
    out += `${escapeBackslashes(raw.slice(from, at))}\\x${hex}`;
    at += 1;
    from = at;
  }
  return out + escapeBackslashes(raw.slice(from));
}

/** The inverse of {@link encodeBytes}. */
export function decodeBytes(encoded: ByteString): ByteString {
  if (!encoded.includes('\\')) return encoded;
  return encoded.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/**
 * Orders two paths by their UTF-8 bytes, the order of `walk` and of strings in the store. It differs from `<` on strings, which compares
 * UTF-16 units and so puts characters above U+FFFF before U+E000.
 */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

/** Moves the surrogates, which stand for the highest code points, above all other units. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function escapeBackslashes(valid: ByteString): ByteString {
  return valid.includes('\\') ? valid.replace(ESCAPE, `${ESCAPED_BACKSLASH}x$1`) : valid;
}

/** Bytes in the well-formed UTF-8 sequence that starts at `at`, or 0 (Unicode 15, table 3-7). */
function sequenceLength(raw: ByteString, at: number): number {
  const first = raw.charCodeAt(at);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > raw.length) return 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  const second = raw.charCodeAt(at + 1);
  if (second < low || second > high) return 0;
  for (let i = at + 2; i < at + length; i++) {
    if ((raw.charCodeAt(i) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

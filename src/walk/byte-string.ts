import { isUtf8 } from 'node:buffer';

/**
 * A file name as the bytes that it is, one byte a character (latin1). V8 keeps such a string in one byte a
 * character, it holds any name exactly, and comparing two of them with `<` compares bytes.
 */
export type ByteString = string;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what ASCII is
const ASCII = /^[\x00-\x7f]*$/;

export function isAscii(text: string): boolean {
  return ASCII.test(text);
}

/** The UTF-8 bytes of `text`. */
export function toByteString(text: string): ByteString {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The text whose UTF-8 bytes these are; only for bytes that are valid UTF-8. */
export function toText(bytes: ByteString): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

/** What `node:fs` takes for a path of these bytes: a string where that is exact, else a Buffer. */
export function toFsPath(bytes: ByteString): string | Buffer {
  if (isAscii(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  return isUtf8(buffer) ? buffer.toString('utf8') : buffer;
}

/** Lower case of A to Z alone, as git folds case: bytes above 127 stay as they are. */
export function foldAscii(bytes: ByteString): ByteString {
  return bytes.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

import { isAscii, isUtf8 } from 'node:buffer';

/** `utf-8` includes ASCII and text with invalid bytes, each of which stands for the Latin-1 character of its value. */
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** The encoding by its byte order mark, and how many bytes the mark takes. */
export function sniffEncoding(head: Uint8Array): { encoding: Encoding; bomBytes: number } {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: 'utf-8', bomBytes: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: 'utf-16le', bomBytes: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: 'utf-16be', bomBytes: 2 };
  return { encoding: 'utf-8', bomBytes: 0 };
}

const SNIFF_BYTES = 8192;

/** True where the head of a file says that it is not text: a NUL byte, or one control character in ten. */
export function looksBinary(head: Uint8Array): boolean {
  if (sniffEncoding(head).encoding !== 'utf-8') return false;
  const n = Math.min(head.byteLength, SNIFF_BYTES);
  let controls = 0;
  for (let i = 0; i < n; i++) {
    const c = head[i]!;
    if (c === 0) return true;
    if (c < 32 && c !== 9 && c !== 10 && c !== 12 && c !== 13 && c !== 27) controls++;
  }
  return controls * 10 > n;
}

/** Text of a window, with the way back from UTF-16 units to bytes. */
export interface DecodedText {
  readonly text: string;
  /** Bytes of the window that `text` stands for; less than the window where it ends within a character. */
  readonly byteLength: number;
  /** How many bytes `text[start, end)` takes in the input. */
  bytesBetween(start: number, end: number): number;
}

/** Decodes a window that begins on a character. An unfinished character at the end is left out unless `last`. */
export function decodeWindow(bytes: Uint8Array, encoding: Encoding, last: boolean): DecodedText {
  return encoding === 'utf-8' ? decodeUtf8(bytes, last) : decodeUtf16(bytes, encoding, last);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decodeUtf8(bytes: Uint8Array, last: boolean): DecodedText {
  if (isAscii(bytes)) {
    const text = asBuffer(bytes).toString('latin1');
    return { text, byteLength: bytes.byteLength, bytesBetween: (start, end) => end - start };
  }
  const whole = last ? bytes : bytes.subarray(0, bytes.byteLength - unfinishedTail(bytes));
  if (isUtf8(whole)) {
    const text = asBuffer(whole).toString('utf8');
    return {
      text,
      byteLength: whole.byteLength,
      bytesBetween: (start, end) => Buffer.byteLength(text.slice(start, end)),
    };
  }
  return decodeBroken(whole);
}

/** Length of a UTF-8 sequence at the end of `bytes` that is valid so far but not complete. */
function unfinishedTail(bytes: Uint8Array): number {
  const n = bytes.byteLength;
  for (let back = 1; back <= Math.min(3, n); back++) {
    const c = bytes[n - back]!;
    if (c >= 0xc2 && c <= 0xf4) {
      const need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
      return need > back ? back : 0;
    }
    if ((c & 0xc0) !== 0x80) return 0;
  }
  return 0;
}

function sequenceLength(bytes: Uint8Array, i: number): number {
  const c = bytes[i]!;
  if (c < 0x80) return 1;
  const need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
  if (c < 0xc2 || c > 0xf4 || i + need > bytes.byteLength) return 0;
  return isUtf8(bytes.subarray(i, i + need)) ? need : 0;
}

/** UTF-8 where it is valid, Latin-1 byte by byte where it is not: no byte is lost and offsets stay exact. */
function decodeBroken(bytes: Uint8Array): DecodedText {
  const buffer = asBuffer(bytes);
  const parts: string[] = [];
  const invalid: number[] = [];
  let units = 0;
  let runStart = 0;
  let runValid = true;
  const flush = (end: number) => {
    if (end === runStart) return;
    const part = buffer.toString(runValid ? 'utf8' : 'latin1', runStart, end);
    if (!runValid) for (let k = 0; k < part.length; k++) invalid.push(units + k);
    parts.push(part);
    units += part.length;
    runStart = end;
  };
  let i = 0;
  while (i < bytes.byteLength) {
    const length = sequenceLength(bytes, i);
    if (length > 0 !== runValid) {
      flush(i);
      runValid = length > 0;
    }
    i += Math.max(1, length);
  }
  flush(i);
  const text = parts.join('');
  const at = Uint32Array.from(invalid);
  return {
    text,
    byteLength: bytes.byteLength,
    // Each invalid byte became a character that would take two bytes again.
    bytesBetween: (start, end) =>
      Buffer.byteLength(text.slice(start, end)) - (lowerBound(at, end) - lowerBound(at, start)),
  };
}

function lowerBound(sorted: Uint32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function decodeUtf16(bytes: Uint8Array, encoding: 'utf-16le' | 'utf-16be', last: boolean): DecodedText {
  let n = bytes.byteLength & ~1;
  const high = encoding === 'utf-16le' ? bytes[n - 1] : bytes[n - 2];
  // A high surrogate waits for its other half.
  if (!last && n >= 2 && high !== undefined && high >= 0xd8 && high <= 0xdb) n -= 2;
  const even = Buffer.from(bytes.subarray(0, n));
  const text = (encoding === 'utf-16le' ? even : even.swap16()).toString('utf16le');
  const odd = last && bytes.byteLength % 2 === 1;
  const tail = odd ? String.fromCharCode(bytes[bytes.byteLength - 1]!) : '';
  const units = text.length;
  return {
    text: text + tail,
    byteLength: odd ? bytes.byteLength : n,
    bytesBetween: (start, end) => 2 * (end - start) - (end > units && start <= units ? 1 : 0),
  };
}

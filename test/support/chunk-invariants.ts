import { isUtf8 } from 'node:buffer';
import type { IndexedChunk } from '../../src/chunk/chunk.ts';
import { tokenPrefix, UNITS_PER_TOKEN } from '../../src/chunk/token-estimate.ts';

/** What a chunker must not do to any input. */
export type Invariant =
  | 'throws'
  | 'order'
  | 'boundary'
  | 'lost bytes'
  | 'text'
  | 'lines'
  | 'tokens'
  | 'fields'
  | 'cuts'
  | 'next file'
  | 'slow'
  | 'hangs'
  | 'process dies';

export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
  readonly invariant: Invariant;

  constructor(invariant: Invariant, message: string, options?: { cause?: unknown }) {
    super(`${invariant}: ${message}`, options);
    this.invariant = invariant;
  }
}

/** A scope is a line that is stored and embedded with each chunk. */
const LONGEST_SCOPE = 16_384;

/**
 * A chunk may be an eighth larger than asked for, to keep a heading with what it stands over. Estimates of parts do not
 * add up to that of the whole where a run of letters or digits was cut: two runs of 48 at most.
 */
export const tokenCap = (maxTokens: number): number => (maxTokens * 9) / 8 + 60;

/**
 * Reads the input character by character, on its own terms, beside the chunks. Throws {@link BrokenInvariant} where they
 * are out of order, overlap, begin or end within a character, leave out what is not white space, differ from the decoded
 * bytes, count lines wrong, or are too large.
 */
export function checkChunks(bytes: Uint8Array, chunks: readonly IndexedChunk[], maxTokens: number): void {
  const characters = reader(bytes);
  let next = 0;
  let open: IndexedChunk | undefined;
  let textAt = 0;
  let line = 1;
  while (characters.next()) {
    const { at, length, units } = characters;
    if (open === undefined && next < chunks.length && chunks[next]!.startByte <= at) {
      open = chunks[next++]!;
      textAt = 0;
      if (open.startByte !== at) {
        throw new BrokenInvariant('boundary', `a chunk begins at byte ${open.startByte}, not at ${at}`);
      }
      if (open.endByte <= at) throw new BrokenInvariant('order', `an empty chunk at byte ${at}`);
      if (open.startLine !== line) {
        throw new BrokenInvariant('lines', `byte ${at} is on line ${line}, not ${open.startLine}`);
      }
    }
    if (open === undefined) {
      if (!isWhiteSpace(units[0])) throw new BrokenInvariant('lost bytes', `byte ${at} is in no chunk`);
    } else {
      for (let i = 0; i < characters.unitCount; i++) {
        if (open.text.charCodeAt(textAt++) !== units[i]) {
          throw new BrokenInvariant('text', `byte ${at} is not what the chunk's text says`);
        }
      }
      if (open.endByte <= at + length) {
        closeChunk(open, at + length, textAt, line, maxTokens);
        open = undefined;
      }
    }
    if (units[0] === 10) line++;
  }
  if (open !== undefined || next < chunks.length) {
    throw new BrokenInvariant('order', 'there are chunks beyond the end of the input, or out of order');
  }
}

function closeChunk(chunk: IndexedChunk, at: number, textAt: number, line: number, maxTokens: number): void {
  if (chunk.endByte !== at) {
    throw new BrokenInvariant('boundary', `a chunk ends at byte ${chunk.endByte}, not at ${at}`);
  }
  if (chunk.text.length !== textAt) {
    throw new BrokenInvariant('text', `the chunk that ends at byte ${at} says more than its bytes`);
  }
  if (chunk.endLine !== line) {
    throw new BrokenInvariant('lines', `byte ${at - 1} is on line ${line}, not ${chunk.endLine}`);
  }
  const tokens = tokenPrefix(chunk.text)[chunk.text.length]! / UNITS_PER_TOKEN;
  if (tokens > tokenCap(maxTokens)) {
    throw new BrokenInvariant('tokens', `${Math.ceil(tokens)} in the chunk at byte ${chunk.startByte}`);
  }
  if (!/^[0-9a-f]{32}$/.test(chunk.hash)) throw new BrokenInvariant('fields', `hash '${chunk.hash}'`);
  if ((chunk.scope?.length ?? 0) > LONGEST_SCOPE) {
    throw new BrokenInvariant('fields', `a scope of ${chunk.scope?.length} characters`);
  }
  if (chunk.symbol === '' || chunk.scope === '') throw new BrokenInvariant('fields', 'an empty name');
}

function isWhiteSpace(unit: number | undefined): boolean {
  return unit === 32 || (unit !== undefined && unit >= 9 && unit <= 13);
}

/** The character at hand: where its bytes lie, and its UTF-16 units. */
interface Characters {
  next(): boolean;
  at: number;
  length: number;
  unitCount: number;
  readonly units: [number, number];
}

function reader(bytes: Uint8Array): Characters {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return utf16(bytes, 0);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return utf16(bytes, 1);
  return utf8(bytes, bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
}

/** The longest valid sequence, or one byte as the Latin-1 character of its value. */
function utf8(bytes: Uint8Array, from: number): Characters {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let ahead = from;
  return {
    at: from,
    length: 0,
    unitCount: 1,
    units: [0, 0],
    next() {
      this.at = ahead;
      if (ahead >= all.length) return false;
      const c = all[ahead]!;
      const want = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
      const whole = want > 1 && ahead + want <= all.length && isUtf8(all.subarray(ahead, ahead + want));
      this.length = whole ? want : 1;
      this.unitCount = this.length === 4 ? 2 : 1;
      const text = whole ? all.toString('utf8', ahead, ahead + want) : '';
      this.units[0] = whole ? text.charCodeAt(0) : c;
      this.units[1] = text.charCodeAt(1);
      ahead += this.length;
      return true;
    },
  };
}

/** Pairs count as one character, half pairs and a last odd byte as one each. */
function utf16(bytes: Uint8Array, highByte: 0 | 1): Characters {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const unit = (at: number) => (at + 2 <= bytes.length ? view.getUint16(at, highByte === 0) : 0);
  let ahead = 2;
  return {
    at: 2,
    length: 0,
    unitCount: 1,
    units: [0, 0],
    next() {
      this.at = ahead;
      if (ahead >= bytes.length) return false;
      const odd = ahead + 1 === bytes.length;
      this.units[0] = odd ? bytes[ahead]! : unit(ahead);
      this.units[1] = unit(ahead + 2);
      const pair = (this.units[0] & 0xfc00) === 0xd800 && (this.units[1] & 0xfc00) === 0xdc00;
      this.length = odd ? 1 : pair ? 4 : 2;
      this.unitCount = pair ? 2 : 1;
      ahead += this.length;
      return true;
    },
  };
}

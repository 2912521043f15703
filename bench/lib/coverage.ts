import { closeSync, openSync, readSync } from 'node:fs';

const BLOCK = 256 * 1024;

/**
 * Checks that chunks cover a file: it reads the file itself, once and block by block, and looks at every byte that no
 * chunk holds. Holds one block, whatever the file's size. The caller closes it.
 */
export class CoverageCheck {
  readonly #file: number;
  readonly #block = Buffer.allocUnsafe(BLOCK);
  #blockStart = 0;
  #blockLength = 0;
  #end = 0;
  chunks = 0;
  /** Bytes that are not white space and in no chunk. */
  missed = 0;
  /** Where the first of them stands, or the first chunk that begins before the one in front of it ends. */
  firstFault: number | null = null;
  overlaps = 0;

  constructor(path: string | Buffer) {
    this.#file = openSync(path, 'r');
  }

  /** The next chunk: bytes `start` to `end`, end exclusive. */
  add(start: number, end: number): void {
    this.chunks++;
    if (start < this.#end || end <= start) {
      this.overlaps++;
      this.firstFault ??= start;
    }
    this.#look(this.#end, start);
    this.#end = Math.max(this.#end, end);
  }

  /** After the last chunk; returns the length of the file. */
  finish(): number {
    const size = this.#look(this.#end, Number.POSITIVE_INFINITY);
    if (this.#end > size) this.firstFault ??= size;
    return Math.max(size, this.#end);
  }

  get ok(): boolean {
    return this.firstFault === null;
  }

  close(): void {
    closeSync(this.#file);
  }

  #look(from: number, to: number): number {
    let at = from;
    while (at < to) {
      if (at < this.#blockStart || at >= this.#blockStart + this.#blockLength) {
        this.#blockStart = at;
        this.#blockLength = readSync(this.#file, this.#block, 0, BLOCK, at);
        if (this.#blockLength === 0) return at;
      }
      const stop = Math.min(to, this.#blockStart + this.#blockLength);
      for (; at < stop; at++) {
        if (isSpace(this.#block[at - this.#blockStart]!) || this.#isMark(at)) continue;
        this.missed++;
        this.firstFault ??= at;
      }
    }
    return at;
  }

  /** A byte order mark at the beginning of the file is no text. */
  #isMark(at: number): boolean {
    if (at > 2 || this.#blockStart !== 0) return false;
    return this.#block[0] === 0xef && this.#block[1] === 0xbb && this.#block[2] === 0xbf;
  }
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

const HEAD_BYTES = 160;
const NEWLINE = 10;

/**
 * Takes the output of `tidemark chunks --json` as it comes and calls `onChunk` with the byte range of each line. Reads
 * the first bytes of a line only: the texts are many and are nobody's business here.
 */
export class ChunkLineReader {
  readonly #onChunk: (startByte: number, endByte: number) => void;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headLength = 0;
  /** Bytes of the output. */
  bytes = 0;

  constructor(onChunk: (startByte: number, endByte: number) => void) {
    this.#onChunk = onChunk;
  }

  push(data: Buffer): void {
    this.bytes += data.length;
    let at = 0;
    while (at < data.length) {
      const newline = data.indexOf(NEWLINE, at);
      const stop = newline === -1 ? data.length : newline;
      const take = Math.min(stop - at, HEAD_BYTES - this.#headLength);
      data.copy(this.#head, this.#headLength, at, at + take);
      this.#headLength += take;
      if (newline === -1) return;
      const line = this.#head.toString('latin1', 0, this.#headLength);
      const range = /"startByte":(\d+),"endByte":(\d+)/.exec(line);
      if (range === null) throw new Error(`a line that is no chunk: ${line}`);
      this.#onChunk(Number(range[1]), Number(range[2]));
      this.#headLength = 0;
      at = newline + 1;
    }
  }
}

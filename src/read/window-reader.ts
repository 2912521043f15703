import type { ByteSource } from './byte-source.ts';

/** Bytes of one window. `bytes` is a view that the next call to `next` overwrites. */
export interface Window {
  readonly bytes: Uint8Array;
  /** Offset of the first byte in the whole input. */
  readonly start: number;
  /** True when the input ends with this window. */
  readonly last: boolean;
}

const FIRST_BUFFER = 16 * 1024;

/**
 * Walks an input in windows of a fixed size. The consumer says how much of a window it has used; the rest begins the
 * next one. What a window holds depends on the bytes alone, not on how the source cuts them. Memory: one buffer of at
 * most `windowBytes`, smaller for smaller inputs.
 */
export class WindowReader {
  readonly #source: ByteSource;
  readonly #windowBytes: number;
  readonly #onBytes: ((bytes: Uint8Array) => void) | undefined;
  #buffer: Uint8Array;
  #filled = 0;
  #start = 0;
  #ended = false;

  constructor(
    source: ByteSource,
    options: { windowBytes: number; sizeHint?: number; onBytes?: (bytes: Uint8Array) => void },
  ) {
    this.#source = source;
    this.#windowBytes = options.windowBytes;
    this.#onBytes = options.onBytes;
    // One byte more than the file, so that its end is seen without growing the buffer.
    const hint = (options.sizeHint ?? FIRST_BUFFER) + 1;
    this.#buffer = new Uint8Array(Math.max(1, Math.min(hint, this.#windowBytes)));
  }

  /** Reads ahead until the window is full or the input has ended. */
  async next(): Promise<Window> {
    while (!this.#ended && this.#filled < this.#windowBytes) {
      if (this.#filled === this.#buffer.byteLength) this.#grow();
      const target = this.#buffer.subarray(this.#filled);
      const n = await this.#source.read(target);
      if (n === 0) {
        this.#ended = true;
      } else {
        this.#onBytes?.(target.subarray(0, n));
        this.#filled += n;
      }
    }
    return { bytes: this.#buffer.subarray(0, this.#filled), start: this.#start, last: this.#ended };
  }

  /** Drops the first `bytes` bytes of the window. */
  consume(bytes: number): void {
    this.#buffer.copyWithin(0, bytes, this.#filled);
    this.#filled -= bytes;
    this.#start += bytes;
  }

  #grow(): void {
    const larger = new Uint8Array(Math.min(this.#windowBytes, this.#buffer.byteLength * 4));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

/**
 * Bytes that grow in place, and whose memory goes back to the system as soon as they are let go and not with the garbage: a
 * resizable buffer has pages of its own.
 */
export class PageBuffer {
  #buffer: ArrayBuffer;
  #bytes: Buffer;

  /** @param roomBytes addresses that it has before it is moved; they take no memory */
  constructor(roomBytes: number) {
    this.#buffer = new ArrayBuffer(0, { maxByteLength: roomBytes });
    this.#bytes = Buffer.from(this.#buffer);
  }

  /** All of it; not to be used any more after the next `resize`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** What is there stays, up to the new size. */
  resize(size: number): void {
    if (size > this.#buffer.maxByteLength) {
      const larger = new ArrayBuffer(size, { maxByteLength: 2 * size });
      Buffer.from(larger).set(this.#bytes);
      this.#buffer.resize(0);
      this.#buffer = larger;
    } else this.#buffer.resize(size);
    this.#bytes = Buffer.from(this.#buffer);
  }
}

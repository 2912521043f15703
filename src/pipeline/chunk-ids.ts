import { createHash } from 'node:crypto';

/** Beyond this many chunks a file's ids go by place, so that this set cannot grow with the file. */
const MAX_REMEMBERED = 65_536;

/**
 * Ids of the chunks of one file: the same content at the same path has the same id whatever stands before it, so an
 * edit keeps the vectors of what it did not touch. 128 bits of SHA-256 over path, content hash and occurrence.
 */
export class ChunkIds {
  readonly #path: string;
  readonly #seen = new Map<string, number>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Calls must come in file order. */
  next(chunk: { hash: string; startByte: number }): string {
    let occurrence = `@${chunk.startByte}`;
    const before = this.#seen.get(chunk.hash) ?? 0;
    if (before > 0 || this.#seen.size < MAX_REMEMBERED) {
      this.#seen.set(chunk.hash, before + 1);
      occurrence = String(before);
    }
    return createHash('sha256')
      .update(`${this.#path}\0${chunk.hash}\0${occurrence}`)
      .digest('hex')
      .slice(0, 32);
  }
}

import type { Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Checksum, startHash } from './checksum.ts';
import { cacheError, fileSize } from './model-cache.ts';
import { hashFile } from './sha256.ts';

/**
 * A file on its way: `PATH.part`, which is hashed as it grows and gets its name when it is whole. It outlives the
 * process, so that a later one goes on where this one ended. One process at a time. The caller closes it.
 */
export class PartFile implements AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #newHash: () => Hash;
  #hash: Hash;
  #size: number;
  #etag: string | null;

  private constructor(
    path: string,
    file: FileHandle,
    newHash: () => Hash,
    hash: Hash,
    size: number,
    etag: string | null,
  ) {
    this.#path = path;
    this.#file = file;
    this.#newHash = newHash;
    this.#hash = hash;
    this.#size = size;
    this.#etag = etag;
  }

  /**
   * Opens what an earlier process has left, or an empty file.
   * @param size that the whole file will have, in bytes
   * @throws ModelCacheError
   */
  static async open(path: string, checksum: Checksum, size: number): Promise<PartFile> {
    const newHash = () => startHash(checksum, size);
    try {
      await mkdir(dirname(path), { recursive: true });
      const there = await fileSize(`${path}.part`);
      const file = await open(`${path}.part`, there < 0 ? 'wx+' : 'r+');
      const hash = newHash();
      const length = await hashFile(file, hash);
      const etag = length === 0 ? null : await readFile(`${path}.part.etag`, 'utf8').catch(() => null);
      return new PartFile(path, file, newHash, hash, length, etag);
    } catch (error) {
      throw cacheError(dirname(path), error);
    }
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** What the server calls the version that these bytes are of; null where it has not said. */
  get etag(): string | null {
    return this.#etag;
  }

  get digest(): string {
    return this.#hash.copy().digest('hex');
  }

  /** @throws ModelCacheError, when the disk is full among others; then what was written stays */
  async append(bytes: Uint8Array): Promise<void> {
    await this.#guard(async () => {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, this.#size);
        this.#hash.update(bytes.subarray(at, at + bytesWritten));
        this.#size += bytesWritten;
        at += bytesWritten;
      }
    });
  }

  /** Begins anew. @throws ModelCacheError */
  async reset(): Promise<void> {
    await this.#guard(async () => {
      await this.#file.truncate(0);
      await rm(`${this.#path}.part.etag`, { force: true });
    });
    this.#hash = this.#newHash();
    this.#size = 0;
    this.#etag = null;
  }

  /** To be called before the first byte. @throws ModelCacheError */
  async setEtag(etag: string): Promise<void> {
    await this.#guard(() => writeFile(`${this.#path}.part.etag`, etag));
    this.#etag = etag;
  }

  /** Gives the file its name, and closes it. @throws ModelCacheError */
  async publish(): Promise<void> {
    await this.#guard(async () => {
      await this.#file.sync();
      await this.#file.close();
      await rename(`${this.#path}.part`, this.#path);
      await rm(`${this.#path}.part.etag`, { force: true });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // After publish() it is closed already.
    await this.#file.close().catch(() => {});
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw cacheError(dirname(this.#path), error);
    }
  }
}

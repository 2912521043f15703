import type { IndexedChunk } from '../chunk/chunk.ts';
import { searchTerms } from '../chunk/terms.ts';
import { ChunkBatchBuilder, FileBatchBuilder } from '../store/batch.ts';
import type { FileRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { ChunkIds } from './chunk-ids.ts';

const MAX_CHUNK_ROWS = 4096;
const MAX_FILE_ROWS = 1024;
const MAX_WAIT_MS = 10_000;

/** A row that a commit makes obsolete. */
export interface Replaced {
  readonly rev: bigint;
  /** Chunk set to delete; null where the new row keeps it. */
  readonly seq: bigint | null;
}

/** A file on its way into the store. */
export interface OpenFile {
  readonly seq: bigint;
  readonly ids: ChunkIds;
  readonly pathTerms: string;
  chunks: number;
}

/**
 * Gathers rows and commits them in few, fat commits, in the order that makes a kill harmless: new chunks, then the
 * file rows that commit them, then what they replace. Memory: one batch of chunks of about `flushBytes`.
 */
export class CommitQueue {
  readonly #store: Store;
  readonly #flushBytes: number;
  readonly #chunks = new ChunkBatchBuilder();
  readonly #files = new FileBatchBuilder();
  readonly #replaced: Replaced[] = [];
  readonly #abandoned: bigint[] = [];
  #lastCommit = performance.now();

  constructor(store: Store, flushBytes: number) {
    this.#store = store;
    this.#flushBytes = flushBytes;
  }

  /** Begins a new version of a file. Files are begun and finished one after the other. */
  begin(path: string): OpenFile {
    const pathTerms = [...new Set(searchTerms(path))].join(' ');
    return { seq: this.#store.nextSeq(), ids: new ChunkIds(path), pathTerms, chunks: 0 };
  }

  async addChunks(file: OpenFile, path: string, chunks: readonly IndexedChunk[]): Promise<void> {
    for (const chunk of chunks) {
      const { terms, ...rest } = chunk;
      this.#chunks.append({
        ...rest,
        id: file.ids.next(chunk),
        seq: file.seq,
        ordinal: file.chunks++,
        path,
        terms: `${terms} ${file.pathTerms}`,
      });
      // A part of a file may be written early: without its row it does not count.
      if (this.#isFull()) await this.#store.addChunks(this.#chunks);
    }
  }

  async finish(row: Omit<FileRow, 'rev'>, replaced: Replaced | null): Promise<void> {
    this.#files.append({ ...row, rev: this.#store.nextRev() });
    if (replaced !== null) this.#replaced.push(replaced);
    const late = performance.now() - this.#lastCommit > MAX_WAIT_MS;
    if (this.#isFull() || this.#files.rows >= MAX_FILE_ROWS || late) await this.commit();
  }

  /** Gives a begun file up: its chunks go, since later rows lift the mark above which a writer looks for strays. */
  abandon(file: OpenFile): void {
    if (file.chunks > 0) this.#abandoned.push(file.seq);
  }

  /** Takes rows out without a new one: their files are gone. */
  async remove(rows: readonly Replaced[]): Promise<void> {
    this.#replaced.push(...rows);
    if (this.#replaced.length >= MAX_FILE_ROWS) await this.commit();
  }

  async commit(): Promise<void> {
    if (this.#chunks.rows > 0) await this.#store.addChunks(this.#chunks);
    if (this.#files.rows > 0) await this.#store.addFiles(this.#files);
    const replaced = this.#replaced.splice(0);
    const seqs = this.#abandoned.splice(0);
    for (const { seq } of replaced) if (seq !== null) seqs.push(seq);
    if (seqs.length > 0) await this.#store.deleteChunksBySeq(seqs);
    if (replaced.length > 0) await this.#store.deleteFilesByRev(replaced.map(({ rev }) => rev));
    this.#lastCommit = performance.now();
  }

  #isFull(): boolean {
    return this.#chunks.rows >= MAX_CHUNK_ROWS || this.#chunks.byteLength >= this.#flushBytes;
  }
}

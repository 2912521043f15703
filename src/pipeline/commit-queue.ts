import type { IndexedChunk } from '../chunk/chunk.ts';
import { FileBatchBuilder } from '../store/batch.ts';
import { type ChunkRun, obsoleteChunks, RunBuilder } from '../store/chunk-runs.ts';
import { ChunkWriter } from '../store/chunk-writer.ts';
import type { FileRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { ChunkIds } from './chunk-ids.ts';
import { CommitClock } from './commit-clock.ts';
import { fingerprint, type PreviousChunks } from './previous-chunks.ts';

const MAX_FILE_ROWS = 1024;
const MOST_WAIT_MS = 30_000;

/** The version of a file that a new one replaces; where its chunks are known, those that stay the same are kept. */
export interface Previous {
  readonly row: FileRow;
  readonly chunks: PreviousChunks | null;
}

/** A file on its way into the store. */
export interface OpenFile {
  readonly path: string;
  readonly seq: bigint;
  readonly previous: Previous | null;
  readonly ids: ChunkIds;
  readonly runs: RunBuilder;
}

/**
 * Gathers rows and commits them in few, fat commits, in the order that makes a kill harmless: new chunks, then the
 * file rows that commit them, then what they replace. Memory: two batches of chunks of about `flushBytes`.
 */
export class CommitQueue {
  readonly #store: Store;
  readonly #chunks: ChunkWriter;
  readonly #files = new FileBatchBuilder();
  readonly #abandoned: bigint[] = [];
  readonly #obsolete = { seqs: [] as bigint[], runs: [] as ChunkRun[], revs: [] as bigint[] };
  readonly #clock = new CommitClock(MOST_WAIT_MS);

  constructor(store: Store, flushBytes: number) {
    this.#store = store;
    this.#chunks = new ChunkWriter(store, flushBytes);
  }

  /** Bytes of a commit; may be changed at any time. */
  set flushBytes(bytes: number) {
    this.#chunks.flushBytes = bytes;
  }

  /** Begins a new version of a file. Files are begun and finished one after the other. */
  begin(path: string, previous: Previous | null): OpenFile {
    const seq = this.#store.nextSeq();
    const comparable = previous === null || previous.chunks === null ? null : previous.row;
    const runs = new RunBuilder(seq, comparable);
    return { path, seq, previous, ids: new ChunkIds(path), runs };
  }

  /** Adds the next chunks of a file; of one that is there already, at the same place, the row stays as it is. */
  async addChunks(file: OpenFile, chunks: readonly IndexedChunk[]): Promise<void> {
    // A huge one takes an hour: what was finished before it does not wait for its end.
    if (this.#files.rows > 0 && this.#clock.due) await this.commit();
    const { path, seq, previous, runs } = file;
    const before = (await previous?.chunks?.of(previous.row, runs.chunks, chunks.length)) ?? [];
    for (const [i, chunk] of chunks.entries()) {
      const id = file.ids.next(chunk);
      if (before[i] !== undefined && before[i] === fingerprint({ ...chunk, id }) && runs.keep()) continue;
      const ordinal = runs.write();
      // A part of a file may be written early: without its row it does not count.
      await this.#chunks.append({ ...chunk, id, seq, ordinal, path });
    }
  }

  /** Ends a version of a file that was begun. */
  async finish(
    file: OpenFile,
    row: Omit<FileRow, 'rev' | 'path' | 'seq' | 'chunks' | 'runs'>,
  ): Promise<void> {
    await this.replace(file.previous?.row ?? null, { ...row, path: file.path, ...file.runs.finish() });
  }

  /** Commits a file row in the place of another one. */
  async replace(old: FileRow | null, row: Omit<FileRow, 'rev'>): Promise<void> {
    const rev = this.#store.nextRev();
    this.#files.append({ ...row, rev });
    if (old !== null) this.#discard(old, { ...row, rev });
    if (this.#files.rows >= MAX_FILE_ROWS || this.#clock.due) await this.commit();
  }

  /** Gives a begun file up. */
  abandon(file: OpenFile): void {
    if (file.runs.written > 0) this.#abandoned.push(file.seq);
  }

  /**
   * Takes out rows of one path, the newest first, that count no more; `newest` is the one that does. Null where the
   * file is gone: a row says so before its chunks go, because to a kill in between it would look whole.
   */
  async remove(rows: readonly FileRow[], newest: FileRow | null): Promise<void> {
    if (newest === null && rows[0]!.state !== 'removed') {
      const removed = {
        ...rows[0]!,
        rev: this.#store.nextRev(),
        chunks: 0,
        runs: null,
        state: 'removed',
      } as const;
      this.#files.append(removed);
      this.#obsolete.revs.push(removed.rev);
    }
    for (const row of rows) this.#discard(row, newest);
    if (this.#obsolete.revs.length >= MAX_FILE_ROWS) await this.commit();
  }

  async commit(): Promise<void> {
    const { seqs, runs, revs } = this.#obsolete;
    await this.#chunks.flush();
    // Later rows lift the mark above which a writer looks for strays.
    await emptied(this.#abandoned, (abandoned) => this.#store.deleteChunksBySeq(abandoned));
    if (this.#files.rows > 0) await this.#store.addFiles(this.#files);
    await emptied(seqs, (gone) => this.#store.deleteChunksBySeq(gone));
    await emptied(runs, (gone) => this.#store.deleteChunkRuns(gone));
    await emptied(revs, (gone) => this.#store.deleteFilesByRev(gone));
    this.#clock.committed();
  }

  #discard(old: FileRow, newest: FileRow | null): void {
    const { seqs, runs } = obsoleteChunks(old, newest);
    this.#obsolete.seqs.push(...seqs);
    this.#obsolete.runs.push(...runs);
    this.#obsolete.revs.push(old.rev);
  }
}

/** Empties the list once `work` has dealt with it: what fails is there for the next try. */
async function emptied<T>(list: T[], work: (list: readonly T[]) => Promise<void>): Promise<void> {
  if (list.length === 0) return;
  await work(list);
  list.length = 0;
}

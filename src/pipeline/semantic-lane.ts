import { embeddingText } from '../chunk/embedding-text.ts';
import { Embedder } from '../embed/embedder.ts';
import type { TextEmbedder } from '../embed/text-embedder.ts';
import type { Lease, MemoryBudget } from '../memory/budget.ts';
import type { Governor, Lever } from '../memory/governor.ts';
import { LinkedAbort } from '../memory/linked-abort.ts';
import { FileBatchBuilder } from '../store/batch.ts';
import type { ChunkRow, FileRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { CommitClock } from './commit-clock.ts';
import { EmbeddingPause } from './embedding-pause.ts';
import type { IndexEvent } from './events.ts';
import type { SummaryBuilder } from './summary.ts';
import { VectorBatch } from './vector-batch.ts';

export interface SemanticLaneOptions {
  readonly store: Store;
  readonly embedder: TextEmbedder;
  readonly inFlight: MemoryBudget;
  readonly governor: Governor;
  readonly summary: SummaryBuilder;
  readonly signal: AbortSignal;
  /** Called where memory stays too short to embed: what is pending is left to a later run. */
  readonly giveUp: () => void;
}

const COLUMNS = ['id', 'hash', 'path', 'language', 'kind', 'symbol', 'scope', 'signature', 'text'] as const;
type PendingChunk = Pick<ChunkRow, (typeof COLUMNS)[number]>;

interface Batch {
  readonly rows: readonly PendingChunk[];
  readonly lease: Lease;
}

/** Files are taken up in groups of about so many chunks, so that one or two of them end in one commit. */
const GROUP_CHUNKS = 2048;
const GROUP_FILES = 256;
/** Chunks in one call to the embedder: enough that its processes rarely wait for each other; and where memory is short. */
const BATCH_CHUNKS = { usual: 256, small: 64 };
/** What their texts may take: held as UTF-16, and once more on their way to the process that embeds them. */
const BATCH_BYTES = { usual: 2 << 20, small: 1 << 19 };
/** What the store reads at once: a thousand chunks, as Arrow and as strings. */
const READ_BYTES = 6 << 20;
/** Vectors are written in commits of at least so many bytes, or sooner where embedding is slow. */
const FLUSH_BYTES = { usual: 3 << 20, small: 3 << 18 };
/** What is finished is said so in commits of at least so many chunks. */
const FLUSH_CHUNKS = { usual: 2048, small: 512 };
/** A slow model may take a day: by commits of every few seconds their list would grow all the while. */
const MOST_WAIT_MS = 120_000;

/**
 * Embeds what is pending and appends the vectors. What is pending is read from the tables, so the lane can be left at
 * any moment and goes on later. Memory: what the store reads at once, two batches of texts, and vectors twice while they
 * are written.
 */
export async function* runSemanticLane(options: SemanticLaneOptions): AsyncGenerator<IndexEvent> {
  const { store, summary, signal } = options;
  yield { type: 'start', lane: 'semantic' };
  using stop = new LinkedAbort(signal);
  using lane = new SemanticLane(options, stop);
  using _held = options.inFlight.reserve(READ_BYTES + 2 * FLUSH_BYTES.usual, 'chunks and vectors');
  using _levers = options.governor.govern(lane.levers());
  const total = (await store.counts()).files.pending.chunks;
  const progress = (): IndexEvent => {
    const { embedded, reused, failed } = summary.chunks;
    return {
      type: 'progress',
      lane: 'semantic',
      done: embedded + reused + failed,
      total,
      bytes: summary.bytes,
    };
  };
  let after = -1n;
  let done = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      if (lane.ended) break;
      const files = await nextGroup(store, after);
      if (files.length === 0) break;
      after = files.at(-1)!.seq;
      for await (const _ of lane.embedFiles(files)) yield progress();
      await lane.indexKeys();
    }
    await lane.flush();
    done = true;
  } finally {
    // Whoever is stopped keeps what is embedded; the error that stopped it stays the one that is reported.
    if (!done) await lane.flush().catch(() => {});
  }
  yield progress();
}

async function nextGroup(store: Store, after: bigint): Promise<FileRow[]> {
  const files = await store.pendingFiles(after, GROUP_FILES);
  let chunks = 0;
  const end = files.findIndex((file) => {
    chunks += file.chunks;
    return chunks > GROUP_CHUNKS;
  });
  // One file may be larger than a group.
  return end === -1 ? files : files.slice(0, Math.max(1, end));
}

class SemanticLane implements Disposable {
  readonly #store: Store;
  readonly #embedder: TextEmbedder;
  readonly #summary: SummaryBuilder;
  readonly #stop: LinkedAbort;
  /** Aborted with that, or when the batch in hand is given up. */
  readonly #work: LinkedAbort;
  readonly #vectors: VectorBatch;
  readonly #options: SemanticLaneOptions;
  #size: keyof typeof BATCH_CHUNKS = 'usual';
  /** Memory stays too short to embed: what is pending stays so. */
  ended = false;
  readonly #vectorClock = new CommitClock(MOST_WAIT_MS);
  readonly #fileClock = new CommitClock(MOST_WAIT_MS);
  /** Files whose chunks are all in the batch or written. */
  readonly #finished: FileRow[] = [];

  constructor(options: SemanticLaneOptions, stop: LinkedAbort) {
    const { store, embedder, summary } = options;
    this.#options = options;
    this.#store = store;
    this.#embedder = embedder;
    this.#summary = summary;
    this.#stop = stop;
    this.#work = new LinkedAbort(stop.signal);
    this.#vectors = new VectorBatch(store);
  }

  [Symbol.dispose](): void {
    this.#work[Symbol.dispose]();
  }

  /** What takes less memory here, the mildest first. */
  levers(): Lever[] {
    const smaller: Lever = {
      step: 'smaller-batches',
      down: () => {
        this.#size = 'small';
      },
      up: () => {
        this.#size = 'usual';
      },
    };
    const own = this.#embedder;
    // A model on a server has memory of its own: none of the others would give anything back.
    if (!(own instanceof Embedder)) return [smaller];
    const { governor } = this.#options;
    const { processes } = own;
    const recycle: Lever = { step: 'embedder-recycled', down: () => own.recycle(), onlyGrowth: true };
    const fewer: Lever = {
      step: 'fewer-embedders',
      down: () => own.limit(1),
      up: () => own.limit(processes),
      upBytes: () => (processes - 1) * own.neededBytes,
    };
    const pause = new EmbeddingPause({
      embedder: own,
      governor,
      signal: this.#stop.signal,
      giveUp: () => this.#giveUp(),
    });
    return [smaller, recycle, ...(processes > 1 ? [fewer] : []), pause.lever];
  }

  /** Embeds the chunks of some files; yields after each batch. The next batch is read while one is embedded. */
  async *embedFiles(files: readonly FileRow[]): AsyncGenerator<void> {
    const failedBefore = this.#summary.chunks.failed;
    const paths = new Set<string>();
    let inFlight: Promise<void> | null = null;
    let done = false;
    try {
      for await (const { rows, lease } of this.#batches(files)) {
        try {
          const work = await this.#lookUp(rows);
          await inFlight;
          // Rejects, too, when the lane ends here.
          await this.#options.governor
            .room(this.#work.signal)
            .catch(() => this.#stop.signal.throwIfAborted());
          if (this.ended) {
            lease.release();
            return;
          }
          inFlight = this.#embed(work, paths)
            .catch((error) => {
              // What was in hand when the lane ended stays pending.
              if (!this.ended) throw error;
            })
            .finally(() => lease.release());
        } catch (error) {
          lease.release();
          throw error;
        }
        // Awaited one round later; a failure in between is not unhandled.
        inFlight.catch(() => {});
        yield;
      }
      await inFlight;
      if (this.ended) return;
      yield;
      done = true;
    } finally {
      // The lane is left: nobody waits for the batch in hand.
      if (!done) this.#stop.abort();
      await inFlight?.catch(() => {});
    }
    // A file with a chunk that failed stays pending, and the next run tries again.
    const whole =
      this.#summary.chunks.failed === failedBefore ? files : files.filter((f) => !paths.has(f.path));
    this.#finished.push(...whole);
    const chunks = this.#finished.reduce((sum, file) => sum + file.chunks, 0);
    if (chunks >= FLUSH_CHUNKS[this.#size] || this.#fileClock.due) await this.flush();
  }

  /** Each batch looks up its keys: of many, a scan of those that are there takes longer than a fast device embeds. */
  async indexKeys(): Promise<void> {
    const { inFlight, governor } = this.#options;
    if (governor.tight || this.ended) return;
    // No batch is in hand: what they may take is free for it.
    const mostBytes = Math.max(0, inFlight.totalBytes - inFlight.takenBytes);
    const lease = await inFlight.take(mostBytes, 'vector keys', this.#stop.signal);
    try {
      await this.#store.buildScalarIndexes({ only: 'vectors', mostBytes });
    } finally {
      lease.release();
    }
  }

  /** Writes vectors first, then the rows that say that their files are done. */
  async flush(): Promise<void> {
    await this.#flushVectors();
    this.#fileClock.committed();
    const finished = this.#finished.splice(0);
    if (finished.length === 0) return;
    const rows = new FileBatchBuilder();
    for (const file of finished) rows.append({ ...file, rev: this.#store.nextRev(), state: 'embedded' });
    await this.#store.addFiles(rows);
    await this.#store.deleteFilesByRev(finished.map(({ rev }) => rev));
  }

  /** There is no room for the model, and none to come: the lane ends with what it has. */
  #giveUp(): void {
    this.ended = true;
    this.#options.giveUp();
    this.#work.abort();
  }

  /** Whoever takes a batch releases its lease, which is taken before its first text is. */
  async *#batches(files: readonly FileRow[]): AsyncGenerator<Batch> {
    let rows: PendingChunk[] = [];
    let bytes = 0;
    let lease: Lease | null = null;
    try {
      for await (const read of this.#store.chunksOfFiles(files, COLUMNS)) {
        for (const row of read) {
          const size = 4 * row.text.length;
          const most = lease?.bytes ?? 0;
          if (lease !== null && (rows.length >= BATCH_CHUNKS[this.#size] || bytes + size > most)) {
            const batch = { rows, lease };
            [rows, bytes, lease] = [[], 0, null];
            yield batch;
          }
          lease ??= await this.#options.inFlight.take(
            Math.max(size, BATCH_BYTES[this.#size]),
            'texts',
            this.#stop.signal,
          );
          rows.push(row);
          bytes += size;
        }
      }
      if (lease !== null) {
        const batch = { rows, lease };
        lease = null;
        yield batch;
      }
    } finally {
      lease?.release();
    }
  }

  /** What of a batch is there already, by id (an interrupted run, a branch switched back) or by content. */
  async #lookUp(rows: readonly PendingChunk[]): Promise<PendingChunk[]> {
    const there = await this.#store.existingVectors(rows.map(({ id }) => id));
    const missing = rows.filter(({ id }) => !there.has(id));
    this.#summary.chunks.reused += rows.length - missing.length;
    if (missing.length === 0) return missing;
    const known = await this.#store.vectorsByHash([...new Set(missing.map(({ hash }) => hash))]);
    const work: PendingChunk[] = [];
    for (const row of missing) {
      const vector = known.get(row.hash);
      if (vector === undefined) work.push(row);
      else {
        this.#vectors.add(row, vector);
        this.#summary.chunks.reused++;
      }
    }
    return work;
  }

  async #embed(work: readonly PendingChunk[], failedPaths: Set<string>): Promise<void> {
    const rows = work.filter((row) => {
      const vector = this.#vectors.of(row.hash);
      if (vector === undefined) return true;
      this.#vectors.add(row, vector);
      this.#summary.chunks.reused++;
      return false;
    });
    if (rows.length > 0) await this.#embedDistinct(rows, failedPaths);
    const isFull = this.#vectors.byteLength >= FLUSH_BYTES[this.#size];
    if (isFull || this.#vectorClock.due) await this.#flushVectors();
  }

  async #embedDistinct(rows: readonly PendingChunk[], failedPaths: Set<string>): Promise<void> {
    const distinct = [...new Map(rows.map((row) => [row.hash, row])).values()];
    const { vectors, failed } = await this.#embedder.embed(distinct.map(embeddingText), {
      signal: this.#work.signal,
    });
    const dimensions = vectors.length / distinct.length;
    const bad = new Set(failed.map(({ index }) => index));
    const byHash = new Map(distinct.map((row, i) => [row.hash, i]));
    for (const row of rows) {
      const i = byHash.get(row.hash)!;
      if (bad.has(i)) {
        this.#summary.chunks.failed++;
        failedPaths.add(row.path);
        continue;
      }
      this.#vectors.add(row, vectors.slice(i * dimensions, (i + 1) * dimensions));
      if (distinct[i] === row) this.#summary.chunks.embedded++;
      else this.#summary.chunks.reused++;
    }
  }

  async #flushVectors(): Promise<void> {
    if (this.#vectors.byteLength > 0) this.#vectorClock.committed();
    // Files whose vectors could not be written must not be told to have them: what fails here ends the lane.
    await this.#vectors.write();
  }
}

import { type ParserKind, ParserPool } from '../chunk/parser-pool.ts';
import type { Lease, MemoryBudget } from '../memory/budget.ts';
import type { Governor, Lever } from '../memory/governor.ts';
import { LinkedAbort } from '../memory/linked-abort.ts';
import type { FileRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { walk } from '../walk/walk.ts';
import { CommitQueue } from './commit-queue.ts';
import type { IndexEvent } from './events.ts';
import { leaseBytes, type Outcome, prepareFile, reasonOf } from './file-job.ts';
import { FileWriter, type WrittenFile } from './file-writer.ts';
import { compareWithIndex, isUnchanged, type Stretch } from './known-files.ts';
import { PreviousChunks } from './previous-chunks.ts';
import type { SummaryBuilder } from './summary.ts';

export interface LexicalLaneOptions {
  readonly root: string;
  /** Absolute paths that are not walked: the index itself. */
  readonly exclude: readonly string[];
  readonly store: Store;
  /** Chunk every file anew: the index is of another version of the chunker. */
  readonly outdated: boolean;
  readonly inFlight: MemoryBudget;
  readonly governor: Governor;
  readonly flushBytes: number;
  readonly parser?: ParserKind;
  readonly parsers: number;
  readonly parserHeapBytes: number;
  readonly summary: SummaryBuilder;
  readonly signal: AbortSignal;
  /** Called now and then; how many files there are in all, once that is known. */
  readonly total?: () => number | null;
}

const PROGRESS_MS = 200;

interface Job extends WrittenFile {
  readonly lease: Lease | null;
  readonly outcome: Promise<Outcome>;
}

/**
 * Brings `files` and `chunks` up to date with the tree. Small files are chunked ahead, as many as the parsers and the
 * budget take; rows are written in the order of the walk. Leaving it at any moment loses what is not committed and
 * nothing else.
 */
export async function* runLexicalLane(options: LexicalLaneOptions): AsyncGenerator<IndexEvent> {
  await using pool = new ParserPool({
    parser: options.parser ?? 'wasm',
    workers: options.parsers,
    recycleHeapBytes: options.parserHeapBytes,
  });
  using stop = new LinkedAbort(options.signal);
  const lane = new LexicalLane(options, pool, stop.signal);
  using _batches = options.inFlight.reserve(2 * options.flushBytes, 'chunk batches');
  using _levers = options.governor.govern(lane.levers());
  try {
    yield* lane.run();
  } finally {
    // What runs ahead must not outlive the lane.
    stop.abort();
    await lane.drain();
  }
}

class LexicalLane {
  readonly #options: LexicalLaneOptions;
  readonly #pool: ParserPool;
  readonly #signal: AbortSignal;
  readonly #queue: Job[] = [];
  readonly #commits: CommitQueue;
  readonly #writer: FileWriter;
  #lastProgress = 0;

  constructor(options: LexicalLaneOptions, pool: ParserPool, signal: AbortSignal) {
    this.#options = options;
    this.#pool = pool;
    this.#signal = signal;
    this.#commits = new CommitQueue(options.store, options.flushBytes);
    const { root, summary } = options;
    const progress = () => this.#progress();
    const room = () => options.governor.room(signal);
    this.#writer = new FileWriter({ root, pool, signal, summary, commits: this.#commits, progress, room });
  }

  /** What takes less memory here, the mildest first. */
  levers(): Lever[] {
    const { flushBytes, inFlight, parsers } = this.#options;
    const batches = 2 * flushBytes;
    const files = inFlight.totalBytes - batches;
    const limit = (part: number) => inFlight.resize(batches + files * part);
    const scale = (part: number) => {
      this.#commits.flushBytes = flushBytes * part;
      limit(part);
    };
    return [
      { step: 'smaller-batches', down: () => scale(1 / 4), up: () => scale(1) },
      { step: 'parser-recycled', down: () => this.#pool.recycle() },
      // A single file is always let through.
      { step: 'fewer-in-flight', down: () => limit(0), up: () => limit(1 / 4) },
      {
        step: 'fewer-parsers',
        down: () => this.#pool.limit(1),
        up: () => this.#pool.limit(parsers),
      },
    ];
  }

  async *run(): AsyncGenerator<IndexEvent> {
    const { root, exclude, store, outdated, summary } = this.#options;
    yield { type: 'start', lane: 'lexical' };
    const entries = walk(root, { exclude, signal: this.#signal });
    let done = false;
    try {
      for await (const stretch of compareWithIndex(entries, store)) {
        summary.files.removed += stretch.removed;
        for (const { rows, newest } of stretch.obsolete) await this.#commits.remove(rows, newest);
        if (stretch.more) await this.#commits.commit();
        const previousChunks = new PreviousChunks(store, changedRows(stretch, outdated));
        for (const entry of stretch.entries) {
          summary.files.seen++;
          if (entry.type === 'skipped') {
            summary.skip(entry.reason);
            yield entry;
            continue;
          }
          const row = stretch.known.get(entry.path) ?? null;
          yield* this.#enqueue({ file: entry, row, outdated, previousChunks });
          while (this.#queue.length > 2 * this.#options.parsers) yield* this.#finishFirst();
          yield* this.#progress();
        }
      }
      while (this.#queue.length > 0) yield* this.#finishFirst();
      await this.#commits.commit();
      done = true;
    } finally {
      // Whoever is stopped keeps what is finished; an error of the store itself stays the one that is reported.
      if (!done) await this.#commits.commit().catch(() => {});
    }
    yield* this.#progress(true);
  }

  /** Waits until nothing runs ahead any more, whatever came of it. */
  async drain(): Promise<void> {
    for (const job of this.#queue.splice(0)) {
      await job.outcome.catch(() => {});
      job.lease?.release();
    }
  }

  async *#enqueue(known: WrittenFile): AsyncGenerator<IndexEvent> {
    if (isUnchanged(known)) {
      this.#queue.push({ ...known, lease: null, outcome: Promise.resolve({ type: 'unchanged' }) });
      return;
    }
    const { governor, inFlight } = this.#options;
    await governor.room(this.#signal);
    const bytes = leaseBytes(known.file);
    // Bytes come back only when the head of the queue is finished, so a full budget finishes it first.
    while (
      this.#queue.some((job) => job.lease !== null) &&
      inFlight.takenBytes + bytes > inFlight.totalBytes
    ) {
      yield* this.#finishFirst();
    }
    // In the order of the walk, so that the first in the queue always has its bytes and cannot wait for a later one.
    const lease = await inFlight.take(bytes, 'file', this.#signal);
    const outcome = prepareFile(this.#options.root, known, this.#pool, this.#signal).catch(
      (error: unknown): Outcome => {
        const reason = this.#signal.aborted ? null : reasonOf(error);
        if (reason === null) throw error;
        return { type: 'unreadable', reason };
      },
    );
    // It is looked at later; until then a failure must not count as unhandled.
    outcome.catch(() => {});
    this.#queue.push({ ...known, lease, outcome });
  }

  async *#finishFirst(): AsyncGenerator<IndexEvent> {
    const job = this.#queue[0]!;
    try {
      yield* this.#writer.finish(job, await job.outcome);
    } finally {
      this.#queue.shift();
      job.lease?.release();
    }
  }

  *#progress(now = false): Generator<IndexEvent> {
    const time = performance.now();
    if (!now && time - this.#lastProgress < PROGRESS_MS) return;
    this.#lastProgress = time;
    const { summary, total } = this.#options;
    const done = summary.files.seen - this.#queue.length;
    const bytes = summary.bytes + this.#writer.bytesInHand;
    yield { type: 'progress', lane: 'lexical', done, total: total?.() ?? null, bytes };
  }
}

/** Of the files that may have changed, in the order of the walk. */
function changedRows({ entries, known }: Stretch, outdated: boolean): FileRow[] {
  const rows: FileRow[] = [];
  for (const entry of entries) {
    const row = entry.type === 'file' ? known.get(entry.path) : undefined;
    if (entry.type === 'file' && row !== undefined && !isUnchanged({ file: entry, row, outdated }))
      rows.push(row);
  }
  return rows;
}

import type { IndexedChunk } from '../chunk/chunk.ts';
import { ParserPool } from '../chunk/parser-pool.ts';
import type { Lease, MemoryBudget } from '../memory/budget.ts';
import type { FileRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { WalkedFile } from '../walk/walk.ts';
import { walk } from '../walk/walk.ts';
import { CommitQueue } from './commit-queue.ts';
import type { IndexEvent } from './events.ts';
import {
  chunkTreeFile,
  type FileReport,
  leaseBytes,
  type Outcome,
  prepareFile,
  reasonOf,
} from './file-job.ts';
import { compareWithIndex, type KnownFile } from './known-files.ts';
import type { SummaryBuilder } from './summary.ts';

export interface LexicalLaneOptions {
  readonly root: string;
  /** Absolute paths that are not walked: the index itself. */
  readonly exclude: readonly string[];
  readonly store: Store;
  /** Chunk every file anew: the index is of another version of the chunker. */
  readonly outdated: boolean;
  readonly inFlight: MemoryBudget;
  readonly flushBytes: number;
  readonly parsers: number;
  readonly parserHeapBytes: number;
  readonly summary: SummaryBuilder;
  readonly signal: AbortSignal;
  /** Called now and then; how many files there are in all, once that is known. */
  readonly total?: () => number | null;
}

/** A time stamp this close to the reading may hide a later change, so it is not trusted next time. */
const RACY_NS = 2_000_000_000n;
const PROGRESS_MS = 200;

interface Job extends KnownFile {
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
    workers: options.parsers,
    recycleHeapBytes: options.parserHeapBytes,
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const lane = new LexicalLane(options, pool, signal);
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
  #lastProgress = 0;

  constructor(options: LexicalLaneOptions, pool: ParserPool, signal: AbortSignal) {
    this.#options = options;
    this.#pool = pool;
    this.#signal = signal;
    this.#commits = new CommitQueue(options.store, options.flushBytes);
  }

  async *run(): AsyncGenerator<IndexEvent> {
    const { root, exclude, store, summary } = this.#options;
    yield { type: 'start', lane: 'lexical' };
    const entries = walk(root, { exclude, signal: this.#signal });
    let done = false;
    try {
      for await (const stretch of compareWithIndex(entries, store)) {
        summary.files.removed += stretch.removed;
        await this.#commits.remove(stretch.gone);
        for (const entry of stretch.entries) {
          summary.files.seen++;
          if (entry.type === 'skipped') {
            summary.skip(entry.reason);
            yield entry;
            continue;
          }
          yield* this.#enqueue({
            file: entry,
            row: stretch.known.get(entry.path) ?? null,
            outdated: this.#options.outdated,
          });
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

  async *#enqueue(known: KnownFile): AsyncGenerator<IndexEvent> {
    const { file, row, outdated } = known;
    if (row !== null && !outdated && row.size === file.size && row.mtimeNs === file.mtimeNs) {
      this.#queue.push({ ...known, lease: null, outcome: Promise.resolve({ type: 'unchanged' }) });
      return;
    }
    const { inFlight } = this.#options;
    const bytes = leaseBytes(file);
    // Bytes come back only when the head of the queue is finished, so a full budget finishes it first.
    while (
      this.#queue.some((job) => job.lease !== null) &&
      inFlight.takenBytes + bytes > inFlight.totalBytes
    ) {
      yield* this.#finishFirst();
    }
    // In the order of the walk, so that the first in the queue always has its bytes and cannot wait for a later one.
    const lease = await inFlight.take(bytes, this.#signal);
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
      yield* this.#finish(job, await job.outcome);
    } finally {
      this.#queue.shift();
      job.lease?.release();
    }
  }

  async *#finish(job: Job, outcome: Outcome): AsyncGenerator<IndexEvent> {
    const { summary } = this.#options;
    const { file, row } = job;
    switch (outcome.type) {
      case 'unchanged':
        this.#unchanged(row!);
        return;
      case 'touched':
        await this.#commits.finish(
          { ...outcome.row, mtimeNs: trustedTime(file) },
          { rev: outcome.row.rev, seq: null },
        );
        this.#unchanged(outcome.row);
        return;
      case 'unreadable':
        summary.skip(outcome.reason);
        yield { type: 'skipped', path: file.path, reason: outcome.reason };
        return;
      case 'chunked':
        yield* this.#write(job, outcome.chunks, () => outcome.report);
        return;
      case 'stream':
        yield* this.#stream(job);
    }
  }

  #unchanged(row: FileRow): void {
    if (row.state === 'skipped') this.#options.summary.skip(row.reason ?? 'binary');
    else this.#options.summary.files.unchanged++;
  }

  async *#stream(job: Job): AsyncGenerator<IndexEvent> {
    const { root, summary } = this.#options;
    const chunks = chunkTreeFile(root, job.file, this.#pool, this.#signal);
    let report: FileReport | undefined;
    const batches = async function* () {
      for (;;) {
        const next = await chunks.next();
        if (next.done) {
          report = next.value;
          return;
        }
        yield next.value;
      }
    };
    try {
      yield* this.#write(job, batches(), () => report!);
    } catch (error) {
      const reason = this.#signal.aborted ? null : reasonOf(error);
      if (reason === null) throw error;
      summary.skip(reason);
      yield { type: 'skipped', path: job.file.path, reason };
    } finally {
      await chunks.return(undefined as never);
    }
  }

  async *#write(
    { file, row }: Job,
    batches: Iterable<IndexedChunk[]> | AsyncIterable<IndexedChunk[]>,
    report: () => FileReport,
  ): AsyncGenerator<IndexEvent> {
    const { summary } = this.#options;
    const open = this.#commits.begin(file.path);
    let whole = false;
    try {
      for await (const batch of batches) {
        await this.#commits.addChunks(open, file.path, batch);
        yield* this.#progress();
      }
      whole = true;
    } finally {
      if (!whole) this.#commits.abandon(open);
    }
    const { hash, language, kind, bytes, binary, lexical } = report();
    summary.bytes += bytes;
    const state = binary ? 'skipped' : open.chunks === 0 ? 'embedded' : 'pending';
    const reason = binary ? 'binary' : lexical === null ? null : `${lexical.reason}@${lexical.fromByte}`;
    await this.#commits.finish(
      {
        seq: open.seq,
        path: file.path,
        size: file.size,
        mtimeNs: trustedTime(file),
        hash,
        language,
        kind,
        chunks: open.chunks,
        state,
        reason,
      },
      row === null ? null : { rev: row.rev, seq: row.seq },
    );
    if (binary) {
      summary.skip('binary');
      yield { type: 'skipped', path: file.path, reason: 'binary' };
      return;
    }
    summary.files.indexed++;
    summary.chunks.written += open.chunks;
    if (lexical !== null) {
      summary.degrade('lexical-fallback', 'files that a parser could not read to the end were cut by lines');
      yield { type: 'degraded', step: 'lexical-fallback', reason: `${file.path}: ${lexical.reason}` };
    }
  }

  *#progress(now = false): Generator<IndexEvent> {
    const time = performance.now();
    if (!now && time - this.#lastProgress < PROGRESS_MS) return;
    this.#lastProgress = time;
    const { summary, total } = this.#options;
    const done = summary.files.seen - this.#queue.length;
    yield { type: 'progress', lane: 'lexical', done, total: total?.() ?? null, bytes: summary.bytes };
  }
}

/** 0 for a file changed so lately that a further change might not show: the next run compares its content. */
function trustedTime(file: WalkedFile): bigint {
  const now = BigInt(Date.now()) * 1_000_000n;
  return now - file.mtimeNs < RACY_NS ? 0n : file.mtimeNs;
}

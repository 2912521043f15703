import type { IndexedChunk } from '../chunk/chunk.ts';
import type { ParserPool } from '../chunk/parser-pool.ts';
import type { FileRow } from '../store/schema.ts';
import type { WalkedFile } from '../walk/walk.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { IndexEvent } from './events.ts';
import { chunkTreeFile, type FileReport, type Outcome, reasonOf } from './file-job.ts';
import type { KnownFile } from './known-files.ts';
import type { PreviousChunks } from './previous-chunks.ts';
import type { SummaryBuilder } from './summary.ts';

export interface FileWriterOptions {
  readonly root: string;
  readonly pool: ParserPool;
  readonly signal: AbortSignal;
  readonly summary: SummaryBuilder;
  readonly commits: CommitQueue;
  /** What there is to tell while a large file is written. */
  readonly progress: () => Iterable<IndexEvent>;
  /** Waits until there is memory for the next part of a large file. */
  readonly room: () => Promise<void>;
}

/** A file whose turn has come or will. */
export interface WrittenFile extends KnownFile {
  /** Those of its stretch. */
  readonly previousChunks: PreviousChunks;
}

/** A time stamp this close to the reading may hide a later change, so it is not trusted next time. */
const RACY_NS = 2_000_000_000n;

/** Makes rows, counts and events of what came of each file, in the order of the walk. */
export class FileWriter {
  readonly #options: FileWriterOptions;
  /** How much of the file in hand is written, bytes: a large one takes long. */
  bytesInHand = 0;

  constructor(options: FileWriterOptions) {
    this.#options = options;
  }

  async *finish(known: WrittenFile, outcome: Outcome): AsyncGenerator<IndexEvent> {
    const { commits, summary } = this.#options;
    const { file, row } = known;
    switch (outcome.type) {
      case 'unchanged':
        this.#unchanged(row!);
        return;
      case 'touched':
        await commits.replace(outcome.row, { ...outcome.row, mtimeNs: trustedTime(file) });
        this.#unchanged(outcome.row);
        return;
      case 'unreadable':
        summary.skip(outcome.reason);
        yield { type: 'skipped', path: file.path, reason: outcome.reason };
        return;
      case 'chunked':
        yield* this.#write(known, outcome.chunks, () => outcome.report);
        return;
      case 'stream':
        yield* this.#stream(known);
    }
  }

  #unchanged(row: FileRow): void {
    if (row.state === 'skipped') this.#options.summary.skip(row.reason ?? 'binary');
    else this.#options.summary.files.unchanged++;
  }

  async *#stream(known: WrittenFile): AsyncGenerator<IndexEvent> {
    const { root, pool, signal, summary } = this.#options;
    const chunks = chunkTreeFile(root, known.file, pool, signal);
    let report: FileReport | undefined;
    const start = () => {
      const next = chunks.next();
      // It is looked at when its turn comes, or not at all.
      next.catch(() => {});
      return next;
    };
    let ahead = start();
    const batches = async function* () {
      for (;;) {
        const next = await ahead;
        if (next.done) {
          report = next.value;
          return;
        }
        // The next window is parsed while the chunks of this one are written.
        ahead = start();
        yield next.value;
      }
    };
    try {
      yield* this.#write(known, batches(), () => report!);
    } catch (error) {
      const reason = signal.aborted ? null : reasonOf(error);
      if (reason === null) throw error;
      summary.skip(reason);
      yield { type: 'skipped', path: known.file.path, reason };
    } finally {
      await chunks.return(undefined as never);
    }
  }

  async *#write(
    { file, row, outdated, previousChunks }: WrittenFile,
    batches: Iterable<IndexedChunk[]> | AsyncIterable<IndexedChunk[]>,
    report: () => FileReport,
  ): AsyncGenerator<IndexEvent> {
    const { commits, progress, room, summary } = this.#options;
    // The rows of another version of the chunker may differ in what is not compared.
    const previous = row === null ? null : { row, chunks: outdated ? null : previousChunks };
    const open = commits.begin(file.path, previous);
    let whole = false;
    try {
      for await (const batch of batches) {
        await commits.addChunks(open, batch);
        await room();
        this.bytesInHand = batch.at(-1)!.endByte;
        yield* progress();
      }
      whole = true;
    } finally {
      if (!whole) {
        commits.abandon(open);
        summary.bytes += this.bytesInHand;
      }
      this.bytesInHand = 0;
    }
    const { hash, language, kind, bytes, binary, lexical } = report();
    const { written } = open.runs;
    summary.bytes += bytes;
    // All that is there was embedded before.
    const embedded = written === 0 && (open.runs.chunks === 0 || row?.state === 'embedded');
    const state = binary ? 'skipped' : embedded ? 'embedded' : 'pending';
    const reason = binary ? 'binary' : lexical === null ? null : `${lexical.reason}@${lexical.fromByte}`;
    const mtimeNs = trustedTime(file);
    await commits.finish(open, { size: file.size, mtimeNs, hash, language, kind, state, reason });
    if (binary) {
      summary.skip('binary');
      yield { type: 'skipped', path: file.path, reason: 'binary' };
      return;
    }
    summary.files.indexed++;
    summary.chunks.written += written;
    if (lexical !== null) {
      summary.degrade('lexical-fallback', 'files that a parser could not read to the end were cut by lines');
      yield { type: 'degraded', step: 'lexical-fallback', reason: `${file.path}: ${lexical.reason}` };
    }
  }
}

/** 0 for a file changed so lately that a further change might not show: the next run compares its content. */
function trustedTime(file: WalkedFile): bigint {
  const now = BigInt(Date.now()) * 1_000_000n;
  return now - file.mtimeNs < RACY_NS ? 0n : file.mtimeNs;
}

import { setImmediate as nextTurn } from 'node:timers/promises';
import { ChunkBatchBuilder } from './batch.ts';
import type { ChunkRow } from './schema.ts';

/** Of a commit: some MB of small rows. */
export const MAX_ROWS = 8192;
/** A commit goes on only when the event loop turns, which awaiting what is there already does not make it do. */
const ROWS_PER_TURN = 128;

/**
 * Gathers chunk rows and appends them in fat commits. One commit is in flight while the next batch fills, and a batch
 * that is full waits for it: that is the back-pressure. Memory: two batches of about `flushBytes`.
 */
export class ChunkWriter {
  readonly #add: (batch: ChunkBatchBuilder) => Promise<void>;
  /** Bytes of a commit; may be changed at any time. */
  flushBytes: number;
  #filling = new ChunkBatchBuilder();
  /** Written now, or to be tried again where that failed. */
  #other = new ChunkBatchBuilder();
  #inFlight: Promise<void> | null = null;
  #bytes = 0;

  /** @param store where `addChunks` clears what it has written and leaves what it has not */
  constructor(store: { addChunks(batch: ChunkBatchBuilder): Promise<void> }, flushBytes: number) {
    this.#add = (batch) => store.addChunks(batch);
    this.flushBytes = flushBytes;
  }

  /** Bytes of all rows so far, as Arrow counts them. */
  get bytes(): number {
    return this.#bytes + this.#filling.byteLength;
  }

  /** Rejects with what went wrong with an earlier row, too; none is lost, the next call tries them again. */
  async append(row: ChunkRow): Promise<void> {
    this.#filling.append(row);
    const { rows, byteLength } = this.#filling;
    if (this.#inFlight !== null && rows % ROWS_PER_TURN === 0) await nextTurn();
    if (rows >= MAX_ROWS || byteLength >= this.flushBytes) await this.#start();
  }

  /** Writes what is there; after it every row is in the table. */
  async flush(): Promise<void> {
    await this.#settle();
    if (this.#filling.rows > 0) await this.#start();
    await this.#settle();
  }

  /** Hands the full batch over once the one in front of it is written. */
  async #start(): Promise<void> {
    await this.#settle();
    const batch = this.#filling;
    this.#filling = this.#other;
    this.#other = batch;
    this.#bytes += batch.byteLength;
    this.#inFlight = this.#add(batch);
    // Looked at when it is waited for: until then a failure must not count as unhandled.
    this.#inFlight.catch(() => {});
  }

  async #settle(): Promise<void> {
    const inFlight = this.#inFlight;
    this.#inFlight = null;
    await inFlight;
    // What failed before is still in its batch.
    if (inFlight === null && this.#other.rows > 0) await this.#add(this.#other);
  }
}

import type { Connection, Query, Table } from '@lancedb/lancedb';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { ArrowBatch } from './batch.ts';
import { EncodedBatch } from './encoded-batch.ts';
import { asStoreError, ClosedError, isMissingData, isNoTable } from './errors.ts';
import { both, type Predicate } from './filter.ts';
import { append } from './lance.ts';
import type { IndexLock } from './lock.ts';
import type { Place } from './place.ts';
import { drained } from './scan.ts';

const READ_ATTEMPTS = 3;

export type TableName = 'files' | 'chunks' | 'vectors';

/** The tables of one index: opened on first use, writes one at a time, errors in tidemark's words. */
export class Tables {
  readonly place: Place;
  readonly #connection: Connection;
  /** Of the single writer. */
  readonly #lock: IndexLock | null;
  readonly #open = new Map<TableName, Table>();
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** Calls of Lance under way: a handle that one of them borrows cannot be let go. */
  readonly #calls = new Set<Promise<unknown>>();
  #closed = false;

  /** @param lock null for reading only */
  constructor(place: Place, connection: Connection, lock: IndexLock | null) {
    this.place = place;
    this.#connection = connection;
    this.#lock = lock;
  }

  /** Writing without the lock would break the single writer's commit order. */
  assertWritable(): void {
    if (this.#lock === null) throw new TypeError('the store is open for reading only');
  }

  /** Runs `work`; what it throws comes out as a TidemarkError that says the index failed to `what`. */
  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#counted(work);
    } catch (error) {
      throw asStoreError(error, this.place.name, what);
    }
  }

  /**
   * As `run`, for what reads: tried again where data went away under it, as a writer removes the version before the last
   * once it has merged a table.
   */
  async read<T>(what: string, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#counted(work);
      } catch (error) {
        if (attempt === READ_ATTEMPTS || !isMissingData(error))
          throw asStoreError(error, this.place.name, what);
      }
    }
  }

  /** The batches of a query to the end, whatever the consumer does; see `drained`. */
  async *stream(what: string, query: () => Query): AsyncGenerator<RecordBatch, void, void> {
    try {
      if (this.#closed) throw new ClosedError();
      yield* drained(query());
    } catch (error) {
      throw asStoreError(error, this.place.name, what);
    }
  }

  /** As `run`, after the writes before it: two in flight double the memory. */
  async write<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.assertWritable();
    const turn = this.#lastWrite.then(() =>
      this.run(what, async () => {
        await this.#lock!.assertHeld();
        return work();
      }),
    );
    this.#lastWrite = turn.catch(() => {});
    return turn;
  }

  /** Null while there is no such table: another process may still create it. */
  async find(name: TableName): Promise<Table | null> {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    return this.run(`open ${name}`, async () => {
      // Not by the list of names, which an object store may give late or not at all.
      const table = await this.#connection.openTable(name).catch((error: unknown) => {
        if (isNoTable(error)) return null;
        throw error;
      });
      if (table !== null) this.#open.set(name, table);
      return table;
    });
  }

  async get(name: TableName): Promise<Table> {
    const table = await this.find(name);
    return table ?? this.run(`open ${name}`, () => Promise.reject(new Error(`table ${name} not found`)));
  }

  async create(name: TableName, schema: Schema): Promise<Table> {
    return (
      (await this.find(name)) ??
      this.write(`create ${name}`, async () => {
        const table = await this.#connection.createEmptyTable(name, schema, { existOk: true });
        this.#open.set(name, table);
        return table;
      })
    );
  }

  /** Reads the batch when its turn has come. */
  async add(name: TableName, batch: ArrowBatch): Promise<void> {
    const table = await this.get(name);
    await this.write(`add to ${name}`, async () => {
      using encoded = await EncodedBatch.of(batch);
      await append(table, encoded.bytes);
    });
  }

  /** Encodes when its turn has come. The caller disposes the batch, or tries again with it. */
  async addEncoded(name: TableName, encode: () => Promise<EncodedBatch>): Promise<void> {
    const table = await this.get(name);
    await this.write(`add to ${name}`, async () => append(table, (await encode()).bytes));
  }

  /** Deletes the rows if there are any: a delete that matches nothing would still commit. True when there were. */
  async delete(name: TableName, where: Predicate): Promise<boolean> {
    const table = await this.get(name);
    if (!(await this.any(name, where))) return false;
    await this.write(`delete from ${name}`, () => table.delete(where));
    return true;
  }

  async any(name: TableName, where: Predicate): Promise<boolean> {
    const table = await this.get(name);
    return this.read(`read ${name}`, async () => {
      let rows = 0;
      for await (const batch of drained(table.query().select(['path']).where(where).limit(1)))
        rows += batch.numRows;
      return rows > 0;
    });
  }

  async count(name: TableName, ...where: (Predicate | null)[]): Promise<number> {
    const table = await this.find(name);
    if (table === null) return 0;
    return this.read(`read ${name}`, () => table.countRows(both(...where) ?? undefined));
  }

  /** Of the rows and indexes that are alive, as the tables tell it. */
  async bytes(): Promise<number> {
    let bytes = 0;
    for (const name of ['files', 'chunks', 'vectors'] as const) {
      const table = await this.find(name);
      if (table === null) continue;
      bytes += (await this.read(`read ${name}`, () => table.stats())).totalBytes;
      const indices = await this.read(`read ${name}`, () => table.listIndices());
      for (const { sizeBytes } of indices) bytes += sizeBytes ?? 0;
    }
    return bytes;
  }

  /** Waits for the calls under way and lets the native handles go; calls after it throw `ERR_TIDEMARK_CLOSED`. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#lastWrite;
    while (this.#calls.size > 0) await Promise.allSettled(this.#calls);
    for (const table of this.#open.values()) table.close();
    this.#open.clear();
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new ClosedError();
    const call = work();
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }
}

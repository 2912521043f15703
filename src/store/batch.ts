import type { Data, RecordBatch, Schema } from 'apache-arrow';
import { EncodedBatch } from './encoded-batch.ts';
import { loadArrow } from './lance.ts';
import { PageBuffer } from './page-buffer.ts';
import {
  arrowSchema,
  CHUNK_COLUMNS,
  type ChunkRow,
  type Column,
  type Columns,
  FILE_COLUMNS,
  type FileRow,
} from './schema.ts';

const INITIAL_ROWS = 256;
/** One UTF-16 unit becomes at most three UTF-8 bytes. */
const MAX_BYTES_PER_UNIT = 3;
/** By so much text grows. */
const TEXT_STEP_BYTES = 64 * 1024;
/** Addresses that a column of text has before it is moved; they take no memory. */
const TEXT_ROOM_BYTES = 64 * 1024 * 1024;

/** Rows as Arrow has them, in memory that is the builder's. */
export interface ArrowBatch {
  schema: Schema;
  batches: RecordBatch[];
}

type Cell = string | number | bigint | null;

/** The text of a column. */
class TextBytes {
  readonly #buffer = new PageBuffer(TEXT_ROOM_BYTES);

  /** Writes `text` as UTF-8 and returns the bytes it took. */
  write(text: string, start: number): number {
    const needed = start + text.length * MAX_BYTES_PER_UNIT;
    if (needed > this.#buffer.bytes.length)
      this.#buffer.resize(Math.ceil(needed / TEXT_STEP_BYTES) * TEXT_STEP_BYTES);
    return this.#buffer.bytes.write(text, start);
  }

  slice(end: number): Uint8Array {
    return this.#buffer.bytes.subarray(0, end);
  }

  clear(): void {
    this.#buffer.resize(0);
  }
}

/** One growing column in Arrow's layout: values, offsets for strings, a validity bitmap for nullable columns. */
class ColumnBuilder {
  readonly column: Column;
  #values: BigInt64Array | Int32Array;
  readonly #text: TextBytes | null;
  #validity: Uint8Array;
  #hasNulls = false;

  constructor(column: Column) {
    this.column = column;
    this.#values =
      column.type === 'int64' || column.type === 'bigint'
        ? new BigInt64Array(INITIAL_ROWS)
        : new Int32Array(INITIAL_ROWS + 1);
    this.#text = column.type === 'utf8' ? new TextBytes() : null;
    this.#validity = new Uint8Array(column.nullable ? INITIAL_ROWS / 8 : 0);
  }

  /** Writes row `row` (the next one) and returns the bytes it took. */
  set(row: number, value: Cell): number {
    if (row + 1 >= this.#values.length) this.#growRows();
    if (value === null) {
      if (!this.column.nullable) throw new TypeError(`column ${this.column.name} cannot be null`);
      this.#hasNulls = true;
      this.#validity[row >> 3]! &= ~(1 << (row & 7));
    } else if (this.column.nullable) this.#validity[row >> 3]! |= 1 << (row & 7);
    if (this.#text !== null) return 4 + this.#setText(this.#text, row, value === null ? '' : String(value));
    if (this.#values instanceof BigInt64Array) {
      this.#values[row] = BigInt(value ?? 0);
      return 8;
    }
    this.#values[row] = Number(value ?? 0);
    return 4;
  }

  /** Starts at the end of the row before, so that a row given up half way leaves nothing behind. */
  #setText(bytes: TextBytes, row: number, text: string): number {
    const offsets = this.#values as Int32Array;
    const written = bytes.write(text, offsets[row]!);
    offsets[row + 1] = offsets[row]! + written;
    return written;
  }

  #growRows(): void {
    const size = this.#values.length * 2;
    const old = this.#values;
    if (old instanceof BigInt64Array) {
      const grown = new BigInt64Array(size);
      grown.set(old);
      this.#values = grown;
    } else {
      const grown = new Int32Array(size);
      grown.set(old);
      this.#values = grown;
    }
    if (!this.column.nullable) return;
    const validity = new Uint8Array((size >> 3) + 1);
    validity.set(this.#validity);
    this.#validity = validity;
  }

  /** Views over the builder's own memory: good until it is written again. */
  data(rows: number): Data {
    const { Int32, Int64, makeData, Utf8 } = loadArrow();
    // Counted by Arrow: a row that was given up half way may have left a null.
    const nulls = this.#hasNulls ? { nullCount: -1, nullBitmap: this.#validity } : { nullCount: 0 };
    const base = { length: rows, ...nulls };
    if (this.#text !== null) {
      const valueOffsets = (this.#values as Int32Array).subarray(0, rows + 1);
      const data = this.#text.slice(valueOffsets[rows]!);
      return makeData({ ...base, type: new Utf8(), valueOffsets, data });
    }
    if (this.#values instanceof BigInt64Array)
      return makeData({ ...base, type: new Int64(), data: this.#values.subarray(0, rows) });
    return makeData({ ...base, type: new Int32(), data: this.#values.subarray(0, rows) });
  }

  clear(): void {
    this.#hasNulls = false;
    this.#text?.clear();
  }
}

/**
 * Rows collected column by column in Arrow's memory layout, without an object a row. `clear()` gives the memory of their
 * text back to the system. The store clears a batch once it is written.
 */
export class BatchBuilder<Row> {
  readonly #names: (keyof Row & string)[];
  readonly #columns: ColumnBuilder[];
  readonly #schema: Schema;
  #rows = 0;
  #byteLength = 0;

  constructor(columns: Columns<Row>) {
    this.#names = Object.keys(columns) as (keyof Row & string)[];
    this.#columns = this.#names.map((name) => new ColumnBuilder(columns[name]));
    this.#schema = arrowSchema(columns);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Bytes of the rows held, as Arrow counts them. */
  get byteLength(): number {
    return this.#byteLength;
  }

  append(row: Row): void {
    for (const [i, name] of this.#names.entries())
      this.#byteLength += this.#columns[i]!.set(this.#rows, row[name] as Cell);
    this.#rows += 1;
  }

  /** The rows as Arrow columns, sharing this builder's memory: use them before the next `append` or `clear`. */
  columns(): Data[] {
    return this.#columns.map((c) => c.data(this.#rows));
  }

  finish(): ArrowBatch {
    return recordBatch(this.#schema, this.#rows, this.columns());
  }

  /** Gives back what the columns hold; the rows are counted still. */
  protected releaseColumns(): void {
    for (const c of this.#columns) c.clear();
  }

  /** Forgets the rows; views of them are not to be read any more. */
  clear(): void {
    this.releaseColumns();
    this.#rows = 0;
    this.#byteLength = 0;
  }
}

export function recordBatch(schema: Schema, length: number, children: Data[]): ArrowBatch {
  const { makeData, RecordBatch, Struct } = loadArrow();
  const data = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children });
  return { schema, batches: [new RecordBatch(schema, data)] };
}

/** Chunk rows on their way to the store. */
export class ChunkBatchBuilder extends BatchBuilder<ChunkRow> {
  #encoding: Promise<EncodedBatch> | null = null;
  #encoded: EncodedBatch | null = null;

  constructor() {
    super(CHUNK_COLUMNS);
  }

  override append(row: ChunkRow): void {
    if (this.#encoding !== null || this.#encoded !== null)
      throw new Error('a batch on its way into the store takes no more rows');
    super.append(row);
  }

  /**
   * The rows as they are written, for as long as it takes; `clear` disposes them. They are not there twice: what the columns
   * held is let go, and until `clear` no row can be appended.
   */
  async encode(): Promise<EncodedBatch> {
    if (this.#encoded !== null) return this.#encoded;
    this.#encoding ??= this.#encode().finally(() => {
      this.#encoding = null;
    });
    return this.#encoding;
  }

  async #encode(): Promise<EncodedBatch> {
    this.#encoded = await EncodedBatch.of(this.finish());
    this.releaseColumns();
    return this.#encoded;
  }

  override clear(): void {
    if (this.#encoding !== null) throw new Error('a batch cannot be cleared while it is encoded');
    this.#encoded?.[Symbol.dispose]();
    this.#encoded = null;
    super.clear();
  }
}

/** File rows on their way to the store: adding them commits their chunks. */
export class FileBatchBuilder extends BatchBuilder<FileRow> {
  constructor() {
    super(FILE_COLUMNS);
  }
}

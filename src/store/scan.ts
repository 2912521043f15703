import type { Query, TakeQuery, VectorQuery } from '@lancedb/lancedb';
import type { Data, RecordBatch } from 'apache-arrow';
import type { Column, Columns } from './schema.ts';

/** Decodes the columns that a batch has; each is looked up once, not once a row. */
export function decode<Row, K extends keyof Row & string>(
  batch: RecordBatch,
  columns: Columns<Row>,
  keys: readonly K[],
): Pick<Row, K>[] {
  const readers = keys.map((key) => [key, reader(batch, columns[key])] as const);
  return Array.from({ length: batch.numRows }, (_, i) => {
    const row: Partial<Record<K, unknown>> = {};
    for (const [key, read] of readers) row[key] = read(i);
    return row as Pick<Row, K>;
  });
}

/** Reads Arrow's buffers directly: `Vector.get` takes three times as long. */
function reader(batch: RecordBatch, column: Column): (row: number) => unknown {
  const data = batch.getChild(column.name)?.data[0];
  if (data === undefined) throw new TypeError(`the batch has no column ${column.name}`);
  const read = valueReader(data, column.type);
  return data.nullCount === 0 ? read : (row) => (data.getValid(row) ? read(row) : null);
}

function valueReader(data: Data, type: Column['type']): (row: number) => unknown {
  if (type === 'utf8') {
    const offsets = data.valueOffsets as Int32Array;
    const values = data.values as Uint8Array;
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    return (row) => bytes.toString('utf8', offsets[row]!, offsets[row + 1]!);
  }
  const values = data.values as BigInt64Array | Int32Array;
  return type === 'int64' ? (row) => Number(values[row]) : (row) => values[row];
}

/** The names in the table of the given row keys. */
export const names = <Row>(columns: Columns<Row>, keys: readonly (keyof Row & string)[]): string[] =>
  keys.map((key) => columns[key].name);

/**
 * The batches (up to 1,024 rows each) of a query, to the end whatever the consumer does: a native stream that is left
 * early keeps its readahead until it is collected, so a consumer that breaks off drains the rest. Give every query that
 * may be long a range or a limit.
 */
export async function* drained(
  query: Query | VectorQuery | TakeQuery,
): AsyncGenerator<RecordBatch, void, void> {
  const stream = query[Symbol.asyncIterator]();
  let done = false;
  try {
    for (;;) {
      const next = await stream.next();
      if (next.done === true) {
        done = true;
        return;
      }
      yield next.value;
    }
  } catch (error) {
    done = true;
    throw error;
  } finally {
    while (!done) done = (await stream.next()).done === true;
  }
}

/** All rows of a query that has a limit or a short IN list. */
export async function collect<Row, K extends keyof Row & string>(
  query: Query | VectorQuery | TakeQuery,
  columns: Columns<Row>,
  keys: readonly K[],
): Promise<Pick<Row, K>[]> {
  const rows: Pick<Row, K>[] = [];
  for await (const batch of drained(query)) rows.push(...decode(batch, columns, keys));
  return rows;
}

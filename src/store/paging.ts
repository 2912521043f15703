import type { Table } from '@lancedb/lancedb';
import { comparePaths } from '../walk/path-codec.ts';
import { inRange } from './filter.ts';
import { drained } from './scan.ts';

const ROWS_PER_RANGE = 8192;
const SAMPLES_PER_RANGE = 16;
const MAX_RANGES = 1024;

export interface KeyRange {
  /** Exclusive; null is the start. */
  after: string | null;
  /** Inclusive; null is the end. */
  through: string | null;
}

/**
 * Splits the keys of a string column into ranges of about 8,192 rows, in order, from one narrow scan in constant
 * memory: a uniform sample of the keys (reservoir sampling, algorithm R, Vitter 1985) and its quantiles. What reads
 * range by range is then linear in the rows, where paging by `ORDER BY ... LIMIT` is quadratic.
 */
export async function keyRanges(table: Table, column: string): Promise<KeyRange[]> {
  const rows = await table.countRows();
  const ranges = Math.min(MAX_RANGES, Math.ceil(rows / ROWS_PER_RANGE));
  if (ranges <= 1) return [{ after: null, through: null }];
  const sample = await sampleKeys(table, column, ranges * SAMPLES_PER_RANGE);
  const bounds: string[] = [];
  for (let i = 1; i < ranges; i++) {
    const bound = sample[Math.floor((i * sample.length) / ranges)];
    if (bound !== undefined && bound !== bounds.at(-1)) bounds.push(bound);
  }
  return [...bounds, null].map((through, i) => ({ after: bounds[i - 1] ?? null, through }));
}

/** `size` keys, sorted. */
async function sampleKeys(table: Table, column: string, size: number): Promise<string[]> {
  const sample: string[] = [];
  let seen = 0;
  for await (const batch of drained(table.query().select([column]))) {
    const keys = batch.getChild(column)!;
    for (let i = 0; i < batch.numRows; i++, seen++) {
      const slot = seen < size ? seen : Math.floor(Math.random() * (seen + 1));
      if (slot < size) sample[slot] = keys.get(i) as string;
    }
  }
  return sample.sort(comparePaths);
}

export const rangePredicate = (column: string, range: KeyRange) =>
  inRange(column, range.after, range.through);

import { mkdir } from 'node:fs/promises';
import type { Index, IndexConfig, Table } from '@lancedb/lancedb';
import type { FixedSizeList } from 'apache-arrow';
import { defaultBudgetBytes } from '../memory/plan.ts';
import { loadLance } from './lance.ts';
import type { TableName, Tables } from './tables.ts';

/** Below this a full scan of the column is as quick. */
const MIN_SCALAR_ROWS = 8192;
/** A key with its row's number, while they are sorted for an index. */
const SORTED_KEY_BYTES = 64;
const SCALAR_COLUMNS: readonly [TableName, string][] = [
  ['files', 'path'],
  ['files', 'seq'],
  ['files', 'rev'],
  ['chunks', 'seq'],
  ['chunks', 'id'],
  ['vectors', 'id'],
  ['vectors', 'hash'],
];
/** An exact scan of 100k vectors takes 75 ms. */
const MIN_VECTOR_ROWS = 65_536;
const MAX_TERM_LENGTH = 1000;
/** Vectors in a partition of the index: a search looks into 50 of them. */
const PARTITION_ROWS = 4096;
/** Bits of a dimension in the index: with 1 a search reads five times as many vectors, and finds fewer (`npm run bench:vectors`). */
const INDEX_BITS = 4;
/** Of the budget, for the sample that partitions are found with; it is held as 32-bit floats, twice. */
const TRAINING_SHARE = 0.35;
/** Vectors in the sample for each partition. */
const SAMPLE_RATE = { most: 256, least: 16 };

/** When an index is behind by so many rows (the larger of the two), it is built again. */
interface Lag {
  rows: number;
  share: number;
}
const SCALAR_LAG: Lag = { rows: 16_384, share: 0.1 };
/** A search reads the terms of each row that is not in the index: 8 ms for a thousand. */
const TEXT_LAG: Lag = { rows: 256, share: 0.02 };
/** Fewer can wait for a run that has more memory. */
const MOST_TEXT_LAG: Lag = { rows: 16_384, share: 0 };
/** Below it compaction adds what is new to the index that is there. */
const VECTOR_LAG: Lag = { rows: 65_536, share: 0.5 };

export interface ScalarOptions {
  readonly force?: boolean;
  /** Of one table alone. */
  readonly only?: TableName;
  /** What sorting the keys of a table may take. */
  readonly mostBytes?: number;
  /** Asked before each. */
  readonly may?: () => Promise<boolean>;
}

export interface TextOptions {
  readonly force?: boolean;
  /** Awaited where a search cannot do without. */
  readonly before?: () => Promise<unknown>;
  /** Asked where it can. */
  readonly may?: () => Promise<boolean>;
}

/** The indexes over the tables: which there should be, and when they are worth building again. */
export class Indexes {
  readonly #tables: Tables;
  readonly #memoryBytes: number;

  /** @param memoryBytes the budget of the process tree */
  constructor(tables: Tables, memoryBytes: number = defaultBudgetBytes()) {
    this.#tables = tables;
    this.#memoryBytes = memoryBytes;
  }

  /** BTREE indexes on the keys that lookups and deletes use, for tables that are large enough to pay for them. */
  async buildScalar(options: ScalarOptions = {}): Promise<string[]> {
    const { only, force = false, mostBytes = Number.POSITIVE_INFINITY, may } = options;
    const built: string[] = [];
    for (const [name, column] of SCALAR_COLUMNS) {
      if (only !== undefined && name !== only) continue;
      const table = await this.#tables.find(name);
      if (table === null) continue;
      const rows = await this.#tables.count(name);
      if ((rows < MIN_SCALAR_ROWS && !force) || rows * SORTED_KEY_BYTES > mostBytes) continue;
      const existing = await this.find(table, column);
      if (!force && !isBehind(existing, rows, SCALAR_LAG)) continue;
      if (may !== undefined && !(await may())) continue;
      await this.#build(table, column, (lance) => lance.Index.btree());
      built.push(`${name}.${column}`);
    }
    return built;
  }

  /**
   * The full-text index over `terms`. Without `force`, only when it is missing or behind; where that is by little, `may` is
   * asked, and where it has to be built in any case, `before` is awaited. True when built.
   */
  async buildText(options: TextOptions = {}): Promise<boolean> {
    const { force = false, before, may } = options;
    const table = await this.#tables.get('chunks');
    const existing = await this.find(table, 'terms');
    const rows = await this.#tables.count('chunks');
    if (!force && !isBehind(existing, rows, TEXT_LAG)) return false;
    if (isBehind(existing, rows, MOST_TEXT_LAG)) await before?.();
    else if (may !== undefined && !(await may())) return false;
    // The caller has split and lower-cased the terms: anything more would blur them.
    await this.#build(table, 'terms', (lance) =>
      lance.Index.fts({
        baseTokenizer: 'whitespace',
        withPosition: false,
        lowercase: false,
        stem: false,
        removeStopWords: false,
        asciiFolding: false,
        maxTokenLength: MAX_TERM_LENGTH,
      }),
    );
    return true;
  }

  /** An IVF_RQ index over the vectors when there are many; `may` is asked where it would be built. True when built. */
  async buildVector(
    options: { readonly force?: boolean; readonly may?: () => Promise<boolean> } = {},
  ): Promise<boolean> {
    const table = await this.#tables.find('vectors');
    if (table === null) return false;
    const rows = await this.#tables.count('vectors');
    if (rows < MIN_VECTOR_ROWS) return false;
    if (options.force !== true && !isBehind(await this.find(table, 'vector'), rows, VECTOR_LAG)) return false;
    if (options.may !== undefined && !(await options.may())) return false;
    const parts = await this.#partitions(table, rows);
    const config = { distanceType: 'cosine', numBits: INDEX_BITS, ...parts } as const;
    await this.#build(table, 'vector', (lance) => lance.Index.ivfRq(config));
    return true;
  }

  /** Lance's own choice takes 1.3 GB for ten million vectors. */
  async #partitions(table: Table, rows: number): Promise<{ numPartitions: number; sampleRate: number }> {
    const schema = await this.#tables.read('read vectors', () => table.schema());
    const { listSize } = schema.fields.find(({ name }) => name === 'vector')!.type as FixedSizeList;
    const sample = (this.#memoryBytes * TRAINING_SHARE) / (2 * Float32Array.BYTES_PER_ELEMENT * listSize);
    const { most, least } = SAMPLE_RATE;
    // Fewer where the budget has no room for the sample that so many would need.
    const numPartitions = Math.max(
      1,
      Math.min(Math.round(rows / PARTITION_ROWS), Math.floor(sample / least)),
    );
    const sampleRate = Math.max(least, Math.min(most, Math.floor(sample / numPartitions)));
    return { numPartitions, sampleRate };
  }

  async find(table: Table, column: string): Promise<IndexConfig | null> {
    const indices = await this.#tables.read('read its indexes', () => table.listIndices());
    return indices.find((index) => index.columns.includes(column)) ?? null;
  }

  async drop(table: Table, column: string): Promise<boolean> {
    const index = await this.find(table, column);
    if (index === null) return false;
    await this.#tables.write(`drop the index on ${column}`, () => table.dropIndex(index.name));
    return true;
  }

  async #build(table: Table, column: string, config: (lance: ReturnType<typeof loadLance>) => Index) {
    const { scratch } = this.#tables.place;
    await this.#tables.write(`index ${table.name}.${column}`, () =>
      withTemporaryDir(scratch, () =>
        table.createIndex(column, { config: config(loadLance()), replace: true }),
      ),
    );
  }
}

function isBehind(index: IndexConfig | null, rows: number, lag: Lag): boolean {
  if (index === null) return true;
  const unindexed = index.numUnindexedRows ?? rows;
  return unindexed >= Math.max(lag.rows, rows * lag.share);
}

let lastBuild: Promise<unknown> = Promise.resolve();

/**
 * Points TMPDIR at a directory of our own while `work` runs, because the native side never removes what it spills
 * there. The variable is the whole process's: it is put back at once, and one build runs at a time in a process.
 */
async function withTemporaryDir<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const turn = lastBuild.then(() => pointTemporaryDir(dir, work));
  lastBuild = turn.catch(() => {});
  return turn;
}

async function pointTemporaryDir<T>(dir: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dir, { recursive: true });
  const before = process.env.TMPDIR;
  process.env.TMPDIR = dir;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

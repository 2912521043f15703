import type { OptimizeStats, Table } from '@lancedb/lancedb';
import type { FileTable } from './file-table.ts';
import type { Indexes } from './indexes.ts';
import { purgeStaleVectors } from './stale-vectors.ts';
import type { TableName, Tables } from './tables.ts';

/** A search opens each, which takes half a millisecond; merging them takes as long as the table is large. */
const SMALL_FRAGMENTS = { least: 16, most: 64, rowsForEach: 4096 };
const MAX_VERSIONS = 256;
/** What old versions may take, as a share of what is alive, and in any case. */
const MAX_GARBAGE_SHARE = 0.2;
const MIN_GARBAGE_BYTES = 1_000_000;
/** A search that meets too many of them has to look a second time. */
const MAX_STALE_SHARE = 0.05;
const MIN_STALE_VECTORS = 256;
const ATTEMPTS = 3;
const MAX_PASSES = 5;

export type MaintenanceWork =
  | 'compact the tables'
  | 'index the keys'
  | 'index the words'
  | 'index the vectors';

export interface MaintainReport {
  /** Tables whose fragments were merged and old versions removed. */
  compacted: TableName[];
  /** Indexes that were built, as `table.column`. */
  built: string[];
  /** Vector rows removed because their chunk is gone. */
  purgedVectors: number;
  /** What `room` had no memory for: a later run does it. */
  later: MaintenanceWork[];
}

interface Parts {
  tables: Tables;
  files: FileTable;
  indexes: Indexes;
  /** How the place names these tables. */
  set: string;
}

export interface MaintainOptions {
  /** `all`: whatever the need. `worn`, the default: where it is worth it. */
  readonly only?: 'all' | 'worn';
  /**
   * Waits for memory before each piece of work, and says whether there is any. What a search cannot do without is done
   * all the same.
   */
  readonly room?: () => Promise<boolean>;
  /** Once it is aborted nothing more is begun, but for what a search cannot do without. */
  readonly signal?: AbortSignal;
}

/**
 * Repairs what appends and deletes do to a table in the long run: merges small fragments, drops old versions, purges
 * stale vectors, and builds the indexes that fell behind. Which of it, `only` says.
 */
export async function maintain(
  parts: Parts,
  { only = 'worn', room = async () => true, signal }: MaintainOptions = {},
): Promise<MaintainReport> {
  const force = only === 'all';
  const report: MaintainReport = { compacted: [], built: [], purgedVectors: 0, later: [] };
  const { indexes, tables } = parts;
  const mayDo = (work: MaintenanceWork) => async (): Promise<boolean> => {
    if (signal?.aborted) return false;
    const there = await room();
    if (!there && !report.later.includes(work)) report.later.push(work);
    return there;
  };
  const mayCompact = mayDo('compact the tables');
  if ((force || (await tooManyStale(parts))) && (await mayCompact())) {
    report.purgedVectors = await purgeStaleVectors(tables);
  }
  for (const name of ['files', 'chunks', 'vectors'] as const) {
    const table = await tables.find(name);
    if (table === null || !(force || (await isWorn(parts, name, table))) || !(await mayCompact())) continue;
    // Compaction would merge it, in twice the memory and time that building it again takes.
    if (name === 'chunks') await indexes.drop(table, 'terms');
    await compactFully(tables, name, table);
    report.compacted.push(name);
  }
  report.built.push(...(await indexes.buildScalar({ may: mayDo('index the keys') })));
  const dropped = report.compacted.includes('chunks');
  const text = { force: force && !dropped, before: room, may: mayDo('index the words') };
  if ((dropped || !signal?.aborted) && (await indexes.buildText(text))) report.built.push('chunks.terms');
  if (await indexes.buildVector({ may: mayDo('index the vectors') })) report.built.push('vectors.vector');
  return report;
}

async function isWorn({ tables, set }: Parts, name: TableName, table: Table): Promise<boolean> {
  const { fragmentStats, numRows, totalBytes } = await tables.read(`read ${name}`, () => table.stats());
  const { least, most, rowsForEach } = SMALL_FRAGMENTS;
  if (fragmentStats.numSmallFragments > Math.max(least, Math.min(most, numRows / rowsForEach))) return true;
  const wear = await tables.place.wear(set, name);
  if (wear === null) return (await table.listVersions()).length > MAX_VERSIONS;
  if (wear.versions > MAX_VERSIONS) return true;
  const garbage = wear.bytes - totalBytes;
  return garbage > MIN_GARBAGE_BYTES && garbage > totalBytes * MAX_GARBAGE_SHARE;
}

/**
 * A pass merges some fragments and leaves the version that it started from: only one that finds nothing to merge leaves
 * nothing behind.
 */
async function compactFully(tables: Tables, name: TableName, table: Table): Promise<void> {
  for (let pass = 1; pass <= MAX_PASSES; pass++) {
    const { compaction } = await compact(tables, name, table);
    if (compaction.fragmentsRemoved === 0) return;
  }
}

/**
 * Merges small fragments and removes all versions but the last, what is under way included: under the writer's lock no
 * one else writes, and a reader whose version goes away asks again.
 */
async function compact(tables: Tables, name: TableName, table: Table): Promise<OptimizeStats> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tables.write(`compact ${name}`, () =>
        table.optimize({ cleanupOlderThan: new Date(), deleteUnverified: true }),
      );
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
      if (attempt === ATTEMPTS || !/commit conflict/i.test(cause)) throw error;
    }
  }
}

/** Estimates from the file rows: only the chunks of embedded files need a vector row. */
async function tooManyStale({ tables, files }: Parts): Promise<boolean> {
  const vectors = await tables.count('vectors');
  const { embedded, pending } = await files.byState();
  // Files in the middle of embedding have vectors too, so a large backlog makes this wait.
  const stale = vectors - embedded.chunks - pending.chunks;
  return stale >= MIN_STALE_VECTORS && stale > vectors * MAX_STALE_SHARE;
}

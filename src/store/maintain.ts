import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Table } from '@lancedb/lancedb';
import type { FileTable } from './file-table.ts';
import { both, inParts, isIn, type Predicate } from './filter.ts';
import type { Indexes } from './indexes.ts';
import { keyRanges, rangePredicate } from './paging.ts';
import { drained } from './scan.ts';
import type { TableName, Tables } from './tables.ts';

/** A reader may hold a version for so long. */
const KEEP_VERSIONS_MS = 600_000;
const MAX_SMALL_FRAGMENTS = 64;
const MAX_VERSIONS = 256;
const MAX_STALE_SHARE = 0.25;
const MIN_STALE_VECTORS = 1024;
const ATTEMPTS = 3;

export interface MaintainReport {
  /** Tables whose fragments were merged and old versions removed. */
  compacted: TableName[];
  /** Indexes that were built, as `table.column`. */
  built: string[];
  /** Vector rows removed because their chunk is gone. */
  purgedVectors: number;
}

interface Parts {
  tables: Tables;
  files: FileTable;
  indexes: Indexes;
  /** Where the tables lie. */
  tablesDir: string;
}

/**
 * Repairs what appends and deletes do to a table in the long run: merges small fragments, drops old versions, purges
 * stale vectors, and builds the indexes that fell behind. Each only when it is worth it, or all with `force`.
 */
export async function maintain(parts: Parts, options: { force?: boolean } = {}): Promise<MaintainReport> {
  const force = options.force === true;
  const report: MaintainReport = { compacted: [], built: [], purgedVectors: 0 };
  const { indexes, tables } = parts;
  if (force || (await tooManyStale(parts))) report.purgedVectors = await purgeStaleVectors(tables);
  for (const name of ['files', 'chunks', 'vectors'] as const) {
    const table = await tables.find(name);
    if (table === null || !(force || (await isWorn(parts, name, table)))) continue;
    // Compaction would merge these in memory, at several times the cost of building them again.
    if (name === 'chunks') await indexes.drop(table, 'terms');
    if (name === 'vectors') await indexes.drop(table, 'vector');
    await compact(tables, name, table);
    report.compacted.push(name);
  }
  report.built.push(...(await indexes.buildScalar()));
  if (await indexes.buildText({ force: force && !report.compacted.includes('chunks') }))
    report.built.push('chunks.terms');
  if (await indexes.buildVector()) report.built.push('vectors.vector');
  return report;
}

async function isWorn({ tables, tablesDir }: Parts, name: TableName, table: Table): Promise<boolean> {
  const { fragmentStats } = await tables.run(`read ${name}`, () => table.stats());
  if (fragmentStats.numSmallFragments > MAX_SMALL_FRAGMENTS) return true;
  const versions = await readdir(path.join(tablesDir, `${name}.lance`, '_versions')).catch(() => []);
  return versions.length > MAX_VERSIONS;
}

async function compact(tables: Tables, name: TableName, table: Table): Promise<void> {
  const cleanupOlderThan = new Date(Date.now() - KEEP_VERSIONS_MS);
  for (let attempt = 1; ; attempt++) {
    try {
      // Under the writer's lock no one else has files that are not committed yet.
      await tables.write(`compact ${name}`, () =>
        table.optimize({ cleanupOlderThan, deleteUnverified: true }),
      );
      return;
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

/**
 * Removes the vectors whose chunk id is not in `chunks`: an anti-join, key range by key range, so that it holds the ids
 * of one range only. Returns the number of ids removed.
 */
export async function purgeStaleVectors(tables: Tables): Promise<number> {
  const vectors = await tables.find('vectors');
  if (vectors === null) return 0;
  const chunks = await tables.get('chunks');
  let purged = 0;
  for (const range of await tables.run('read vectors', () => keyRanges(vectors, 'id'))) {
    const where = rangePredicate('id', range);
    const stale = await tables.run('read vectors', async () => {
      const ids = new Set<string>();
      await eachId(vectors, where, (id) => ids.add(id));
      await eachId(chunks, where, (id) => ids.delete(id));
      return ids;
    });
    for (const part of inParts([...stale])) await tables.delete('vectors', both(isIn('id', part))!);
    purged += stale.size;
  }
  return purged;
}

async function eachId(table: Table, where: Predicate | null, visit: (id: string) => void): Promise<void> {
  const query = table.query().select(['id']);
  if (where !== null) query.where(where);
  for await (const batch of drained(query)) {
    const ids = batch.getChild('id')!;
    for (let i = 0; i < batch.numRows; i++) visit(ids.get(i) as string);
  }
}

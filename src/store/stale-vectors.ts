import type { Table } from '@lancedb/lancedb';
import { inParts, isIn, type Predicate } from './filter.ts';
import { keyRanges, rangePredicate } from './paging.ts';
import { drained } from './scan.ts';
import type { Tables } from './tables.ts';

/**
 * The vectors whose chunk id is not in `chunks`: an anti-join, key range by key range, so that it holds the ids of one
 * range only.
 */
export async function* staleVectors(tables: Tables): AsyncGenerator<Set<string>, void, void> {
  const vectors = await tables.find('vectors');
  if (vectors === null) return;
  const chunks = await tables.get('chunks');
  for (const range of await tables.read('read vectors', () => keyRanges(vectors, 'id'))) {
    const where = rangePredicate('id', range);
    yield await tables.read('read vectors', async () => {
      const ids = new Set<string>();
      await eachId(vectors, where, (id) => ids.add(id));
      await eachId(chunks, where, (id) => ids.delete(id));
      return ids;
    });
  }
}

/** Returns the number of ids removed. */
export async function purgeStaleVectors(tables: Tables): Promise<number> {
  let purged = 0;
  for await (const stale of staleVectors(tables)) {
    for (const part of inParts([...stale])) await tables.delete('vectors', isIn('id', part));
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

import type { ChunkBatchBuilder } from './batch.ts';
import { type Filter, filterPredicate, greaterThan, inParts, isIn } from './filter.ts';
import { loadLance } from './lance.ts';
import { collect, decode, drained, names } from './scan.ts';
import { CHUNK_COLUMNS, type ChunkHit, type ChunkRow } from './schema.ts';
import type { Tables } from './tables.ts';

export const HIT_KEYS = (Object.keys(CHUNK_COLUMNS) as (keyof ChunkRow)[]).filter(
  (key) => key !== 'terms',
) as (keyof ChunkHit)[];

export interface LexicalHit {
  row: ChunkHit;
  /** BM25: higher is better. */
  score: number;
}

/** The `chunks` table. Rows count once their file's row is committed. */
export class ChunkTable {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async add(batch: ChunkBatchBuilder): Promise<void> {
    if (batch.rows === 0) return;
    await this.#tables.add('chunks', batch.finish());
    batch.clear();
  }

  async deleteBySeq(seqs: readonly bigint[]): Promise<void> {
    for (const part of inParts(seqs)) await this.#tables.delete('chunks', isIn('seq', part));
  }

  /** Removes the chunks that no file row ever committed. True when there were any. */
  async deleteAboveSeq(seq: bigint): Promise<boolean> {
    return this.#tables.delete('chunks', greaterThan('seq', seq));
  }

  /** The chunks of the given file versions, the columns asked for, in batches, in no order. */
  async *ofFiles<K extends keyof ChunkRow>(
    seqs: readonly bigint[],
    keys: readonly K[],
  ): AsyncGenerator<Pick<ChunkRow, K>[], void, void> {
    const table = await this.#tables.get('chunks');
    for (const part of inParts(seqs)) {
      const query = table.query().select(names(CHUNK_COLUMNS, keys)).where(isIn('seq', part));
      for await (const batch of drained(query)) yield decode(batch, CHUNK_COLUMNS, keys);
    }
  }

  /** Rows by id, in no order. An id that two versions of a file share comes twice, with another seq. */
  async byId<K extends keyof ChunkRow>(
    ids: readonly string[],
    keys: readonly K[],
  ): Promise<Pick<ChunkRow, K>[]> {
    const table = await this.#tables.get('chunks');
    const rows: Pick<ChunkRow, K>[] = [];
    for (const part of inParts(ids)) {
      const query = table.query().select(names(CHUNK_COLUMNS, keys)).where(isIn('id', part));
      rows.push(...(await this.#tables.run('read chunks', () => collect(query, CHUNK_COLUMNS, keys))));
    }
    return rows;
  }

  /**
   * The best `limit` rows by BM25 over `terms` (any of them), committed or not. Terms are matched whole and as they
   * are: split and lower-case them as they were when indexed. In no order.
   */
  async searchLexical(terms: readonly string[], filter: Filter, limit: number): Promise<LexicalHit[]> {
    const text = terms.join(' ').trim();
    if (text === '' || limit < 1) return [];
    const table = await this.#tables.get('chunks');
    const { MatchQuery } = loadLance();
    const query = table
      .query()
      .fullTextSearch(new MatchQuery(text, 'terms'))
      .select([...names(CHUNK_COLUMNS, HIT_KEYS), '_score'])
      .limit(limit);
    const where = filterPredicate(filter);
    if (where !== null) query.where(where);
    return this.#tables.run('search', async () => {
      const hits: LexicalHit[] = [];
      for await (const batch of drained(query)) {
        const scores = batch.getChild('_score')!;
        for (const [i, row] of decode(batch, CHUNK_COLUMNS, HIT_KEYS).entries())
          hits.push({ row, score: Number(scores.get(i)) });
      }
      return hits;
    });
  }
}

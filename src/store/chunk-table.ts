import type { FullTextQuery } from '@lancedb/lancedb';
import type { RecordBatch } from 'apache-arrow';
import type { ChunkBatchBuilder } from './batch.ts';
import { type ChunkRun, type ChunkSet, chunkRuns, isNamed } from './chunk-runs.ts';
import { both, type Filter, filterPredicate, greaterThan, inParts, inRange, inRuns, isIn } from './filter.ts';
import { loadLance } from './lance.ts';
import { collect, decode, drained, names } from './scan.ts';
import {
  CHUNK_COLUMNS,
  type ChunkDetails,
  type ChunkHit,
  type ChunkRow,
  DEFINITION_KEYS,
  DETAIL_KEYS,
  HIT_KEYS,
} from './schema.ts';
import type { Tables } from './tables.ts';

export interface LexicalQuery {
  /** Terms as they are indexed; a row that has any of them is found. One that is given twice counts twice. */
  readonly terms: readonly string[];
}

export interface LexicalHit {
  row: ChunkHit;
  /** BM25: higher is better. */
  score: number;
}

/** What of a chunk says which row it is. */
export type ChunkKey = Pick<ChunkHit, 'seq' | 'ordinal' | 'rowId'>;

export interface HitOptions {
  /** Hits tell what they define, and their scope. */
  readonly definitions?: boolean;
}

/** Decodes a batch of hits, which has their row ids. */
function decodeHits(batch: RecordBatch, keys: ReturnType<typeof hitKeys>): ChunkHit[] {
  const rowIds = batch.getChild('_rowid')!;
  return decode(batch, CHUNK_COLUMNS, keys).map((row, i) =>
    Object.assign(row as ChunkHit, { rowId: rowIds.get(i) as bigint }),
  );
}

/** The columns of hits. */
function hitKeys({ definitions = false }: HitOptions) {
  return definitions ? [...HIT_KEYS, ...DEFINITION_KEYS] : HIT_KEYS;
}

const PLACE = ['seq', 'ordinal'] as const;
const RUNS_PER_QUERY = 100;

/** Ordinals in `[from, to)`. */
export interface OrdinalRange {
  from: number;
  to: number;
}

/** The `chunks` table. A row counts while the row of its file names it. */
export class ChunkTable {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async add(batch: ChunkBatchBuilder): Promise<void> {
    if (batch.rows === 0) return;
    await this.#tables.addEncoded('chunks', () => batch.encode());
    batch.clear();
  }

  async deleteBySeq(seqs: readonly bigint[]): Promise<void> {
    for (const part of inParts(seqs)) await this.#tables.delete('chunks', isIn('seq', part));
  }

  async deleteRuns(runs: readonly ChunkRun[]): Promise<void> {
    for (const part of inParts(runs, RUNS_PER_QUERY)) await this.#tables.delete('chunks', inRuns(part));
  }

  /** Removes the chunks that no file row ever committed. True when there were any. */
  async deleteAboveSeq(seq: bigint): Promise<boolean> {
    return this.#tables.delete('chunks', greaterThan('seq', seq));
  }

  /** The chunks of the given file versions, or those in a range, the columns asked for, in batches, in no order. */
  async *ofFiles<K extends keyof ChunkRow>(
    files: readonly ChunkSet[],
    keys: readonly K[],
    range: OrdinalRange | null,
  ): AsyncGenerator<Pick<ChunkRow, K>[], void, void> {
    const table = await this.#tables.get('chunks');
    const named = new Map<bigint, ChunkRun[]>();
    for (const run of files.flatMap(chunkRuns)) named.set(run.seq, [...(named.get(run.seq) ?? []), run]);
    const columns = names(CHUNK_COLUMNS, [...new Set([...keys, ...PLACE])]);
    for (const part of inParts([...named.keys()])) {
      const ordinals = range === null ? null : inRange('ordinal', range.from - 1, range.to - 1);
      const where = both(isIn('seq', part), ordinals)!;
      const query = () => table.query().select(columns).where(where);
      for await (const batch of this.#tables.stream('read chunks', query)) {
        // Rows that a newer version replaced may still be there under the same seq.
        const live = decode(batch, CHUNK_COLUMNS, PLACE).map((row) => isNamed(named.get(row.seq)!, row));
        yield decode(batch, CHUNK_COLUMNS, keys).filter((_, i) => live[i]);
      }
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
      const query = () => table.query().select(names(CHUNK_COLUMNS, keys)).where(isIn('id', part));
      rows.push(...(await this.#tables.read('read chunks', () => collect(query(), CHUNK_COLUMNS, keys))));
    }
    return rows;
  }

  /** Hits by id, in no order. */
  async hitsById(
    ids: readonly string[],
    options: HitOptions = {},
  ): Promise<{ readonly id: string; readonly row: ChunkHit }[]> {
    const table = await this.#tables.get('chunks');
    const keys = hitKeys(options);
    const rows: { readonly id: string; readonly row: ChunkHit }[] = [];
    for (const part of inParts(ids)) {
      await this.#tables.read('read chunks', async () => {
        const found: typeof rows = [];
        const query = table
          .query()
          .select(names(CHUNK_COLUMNS, ['id', ...keys]))
          .withRowId()
          .where(isIn('id', part));
        for await (const batch of drained(query)) {
          const hits = decodeHits(batch, keys);
          for (const [i, { id }] of decode(batch, CHUNK_COLUMNS, ['id']).entries())
            found.push({ id, row: hits[i]! });
        }
        rows.push(...found);
      });
    }
    return rows;
  }

  /** Text and place of rows, in their order; undefined where a row is gone. */
  async details(rows: readonly ChunkKey[]): Promise<(ChunkDetails | undefined)[]> {
    const key = ({ seq, ordinal }: ChunkKey) => `${seq}:${ordinal}`;
    const byKey = new Map((await this.#detailsByRowId(rows)).map((row) => [key(row), row]));
    const missing = rows.filter((row) => !byKey.has(key(row)));
    if (missing.length > 0) for (const row of await this.#detailsByPlace(missing)) byKey.set(key(row), row);
    return rows.map((row) => byKey.get(key(row)));
  }

  async #detailsByPlace(rows: readonly ChunkKey[]): Promise<ChunkDetails[]> {
    const table = await this.#tables.get('chunks');
    const runs = rows.map(({ seq, ordinal }) => ({ seq, from: ordinal, to: ordinal + 1 }));
    const found: ChunkDetails[] = [];
    for (const part of inParts(runs, RUNS_PER_QUERY)) {
      const query = () => table.query().select(names(CHUNK_COLUMNS, DETAIL_KEYS)).where(inRuns(part));
      found.push(
        ...(await this.#tables.read('read chunks', () => collect(query(), CHUNK_COLUMNS, DETAIL_KEYS))),
      );
    }
    return found;
  }

  /** What lies now where the rows lay when they were found; nothing where the table was merged since. */
  async #detailsByRowId(rows: readonly ChunkKey[]): Promise<ChunkDetails[]> {
    const rowIds = rows.flatMap(({ rowId }) => rowId ?? []);
    if (rowIds.length === 0) return [];
    const table = await this.#tables.get('chunks');
    return this.#tables.run('read chunks', async () => {
      const query = table.takeRowIds(rowIds).select(names(CHUNK_COLUMNS, DETAIL_KEYS));
      return collect(query, CHUNK_COLUMNS, DETAIL_KEYS).catch(() => []);
    });
  }

  /**
   * The best `limit` rows by BM25 over the query's terms (any of them), committed or not. Terms are matched whole and as
   * they are: split and stem them as they were when indexed. In no order.
   */
  async searchLexical(
    query: LexicalQuery,
    filter: Filter,
    limit: number,
    options: HitOptions = {},
  ): Promise<LexicalHit[]> {
    const match = fullTextQuery(query);
    if (match === null || limit < 1) return [];
    const table = await this.#tables.get('chunks');
    const keys = hitKeys(options);
    const where = filterPredicate(filter);
    return this.#tables.read('search', async () => {
      const search = table
        .query()
        .fullTextSearch(match)
        .select([...names(CHUNK_COLUMNS, keys), '_score'])
        .withRowId()
        .limit(limit);
      if (where !== null) search.where(where);
      const hits: LexicalHit[] = [];
      for await (const batch of drained(search)) {
        const scores = batch.getChild('_score')!;
        for (const [i, row] of decodeHits(batch, keys).entries())
          hits.push({ row, score: Number(scores.get(i)) });
      }
      return hits;
    });
  }
}

function fullTextQuery({ terms }: LexicalQuery): FullTextQuery | null {
  const { MatchQuery } = loadLance();
  const text = terms.join(' ').trim();
  return text === '' ? null : new MatchQuery(text, 'terms');
}

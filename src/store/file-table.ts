import type { FileBatchBuilder } from './batch.ts';
import type { ChunkSet } from './chunk-runs.ts';
import { both, equals, inParts, inRange, isIn, type Predicate } from './filter.ts';
import { keyRanges, rangePredicate } from './paging.ts';
import { collect, decode, drained, names } from './scan.ts';
import { FILE_COLUMNS, type FileRow, type FileState, type LiveFileRow } from './schema.ts';
import type { Tables } from './tables.ts';

const VERSION = ['path', 'rev', 'seq', 'kind', 'chunks', 'runs', 'state'] as const;
const ALL = Object.keys(FILE_COLUMNS) as (keyof FileRow)[];
const PAGE_ROWS = 16_384;
const FIRST_SEQ_SPAN = 4096n;
/** So many paths are remembered of one version of the table: some MB. */
const MAX_KNOWN = 16_384;

/** How many files are in each state, and how many chunks they have. */
export type StateCounts = Record<FileState, { files: number; chunks: number }>;

/** What makes a file row count, and chunks with it. */
export type FileVersion = ChunkSet & Pick<FileRow, 'rev' | 'kind' | 'state'>;

export const isLive = (row: FileRow): row is LiveFileRow => row.state !== 'removed';

/** The `files` table: what is committed. */
export class FileTable {
  readonly #tables: Tables;
  /** What was read of one version of the table: a search asks for the same again and again. */
  #known = {
    version: -1,
    newest: new Map<string, FileVersion | null>(),
    counts: null as StateCounts | null,
  };

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async add(batch: FileBatchBuilder): Promise<void> {
    if (batch.rows === 0) return;
    await this.#tables.add('files', batch.finish());
    batch.clear();
  }

  /** Older rows go first: cut short, it leaves of each path the one that counts. */
  async deleteByRev(revs: readonly bigint[]): Promise<void> {
    const ascending = revs.toSorted((a, b) => (a < b ? -1 : 1));
    for (const part of inParts(ascending)) await this.#tables.delete('files', isIn('rev', part));
  }

  /** The highest `rev` and `seq`; 0 when there are no files. */
  async maxima(): Promise<{ rev: bigint; seq: bigint }> {
    const table = await this.#tables.get('files');
    const top = async (key: 'rev' | 'seq'): Promise<bigint> => {
      const query = table.query().select([key]).orderBy({ columnName: key, ascending: false }).limit(1);
      return (await collect(query, FILE_COLUMNS, [key]))[0]?.[key] ?? 0n;
    };
    return this.#tables.read('read files', async () => ({ rev: await top('rev'), seq: await top('seq') }));
  }

  /** Rows with a path in `(after, through]`, in no order, not deduped, in batches. Null: no bound. */
  async *inRange(after: string | null, through: string | null): AsyncGenerator<FileRow[], void, void> {
    const table = await this.#tables.get('files');
    const where = inRange('path', after, through);
    const query = () => {
      const all = table.query().select(names(FILE_COLUMNS, ALL));
      return where === null ? all : all.where(where);
    };
    for await (const batch of this.#tables.stream('read files', query))
      yield decode(batch, FILE_COLUMNS, ALL);
  }

  /** The row that counts of each file, ordered by the UTF-8 bytes of the path. Constant memory. */
  async *inOrder(): AsyncGenerator<LiveFileRow, void, void> {
    const table = await this.#tables.get('files');
    let last: string | null = null;
    for (const range of await this.#tables.read('read files', () => keyRanges(table, 'path'))) {
      let { after } = range;
      for (;;) {
        const page = await this.#orderedPage(rangePredicate('path', { ...range, after }));
        for (const row of page) {
          if (row.path === last) continue;
          last = row.path;
          if (isLive(row)) yield row;
        }
        if (page.length < PAGE_ROWS) break;
        after = last;
      }
    }
  }

  async #orderedPage(where: Predicate | null): Promise<FileRow[]> {
    const table = await this.#tables.get('files');
    return this.#tables.read('read files', () => {
      const query = table
        .query()
        .select(names(FILE_COLUMNS, ALL))
        .orderBy([{ columnName: 'path' }, { columnName: 'rev', ascending: false }])
        .limit(PAGE_ROWS);
      if (where !== null) query.where(where);
      return collect(query, FILE_COLUMNS, ALL);
    });
  }

  /**
   * Up to `limit` pending files with seq > `afterSeq`, by ascending seq. A row that another row of its path overrides
   * is left out: to give it a new rev would bring an old version back.
   */
  async pending(afterSeq: bigint, limit: number): Promise<FileRow[]> {
    const table = await this.#tables.get('files');
    const { seq: maxSeq } = await this.maxima();
    const found: FileRow[] = [];
    let after = afterSeq;
    for (let span = FIRST_SEQ_SPAN; found.length < limit && after < maxSeq; ) {
      let through = after + span;
      if (through > maxSeq) through = maxSeq;
      const where = both(inRange('seq', after, through), equals('state', 'pending'))!;
      const query = () =>
        table
          .query()
          .select(names(FILE_COLUMNS, ALL))
          .where(where)
          .orderBy([{ columnName: 'seq' }, { columnName: 'rev', ascending: false }])
          .limit(limit);
      const rows = await this.#tables.read('read files', () => collect(query(), FILE_COLUMNS, ALL));
      const newest = await this.newestByPath(rows.map((row) => row.path));
      for (const row of rows) if (newest.get(row.path)?.rev === row.rev) found.push(row);
      // A full page may have been cut off by the limit: go on from its last row.
      after = rows.length === limit ? rows.at(-1)!.seq : through;
      if (rows.length < limit) span *= 2n;
    }
    return found.slice(0, limit);
  }

  /** For each path that has a row, the one that counts: of a file that is gone, one without chunks. */
  async newestByPath(paths: readonly string[]): Promise<Map<string, FileVersion>> {
    const distinct = [...new Set(paths)];
    const known = (await this.#current()).newest;
    if (known.size + distinct.length > MAX_KNOWN) known.clear();
    const missing = distinct.filter((path) => !known.has(path));
    const found = await this.#readNewest(missing);
    for (const path of missing) known.set(path, found.get(path) ?? null);
    const newest = new Map<string, FileVersion>();
    for (const path of distinct) {
      const version = found.get(path) ?? known.get(path);
      if (version != null) newest.set(path, version);
    }
    return newest;
  }

  async #readNewest(paths: readonly string[]): Promise<Map<string, FileVersion>> {
    const table = await this.#tables.get('files');
    const newest = new Map<string, FileVersion>();
    for (const part of inParts(paths)) {
      const query = () => table.query().select(names(FILE_COLUMNS, VERSION)).where(isIn('path', part));
      const rows = await this.#tables.read('read files', () => collect(query(), FILE_COLUMNS, VERSION));
      for (const row of rows) if (row.rev > (newest.get(row.path)?.rev ?? -1n)) newest.set(row.path, row);
    }
    return newest;
  }

  /** What is known of the table as it is now. What is read a moment later may be newer, and never older. */
  async #current() {
    const table = await this.#tables.get('files');
    const version = await this.#tables.read('read files', () => table.version());
    if (this.#known.version !== version) this.#known = { version, newest: new Map(), counts: null };
    return this.#known;
  }

  async byState(): Promise<StateCounts> {
    const known = await this.#current();
    known.counts ??= await this.#countStates();
    return known.counts;
  }

  async #countStates(): Promise<StateCounts> {
    const table = await this.#tables.get('files');
    return this.#tables.read('read files', async () => {
      const counts: StateCounts = {
        pending: { files: 0, chunks: 0 },
        embedded: { files: 0, chunks: 0 },
        skipped: { files: 0, chunks: 0 },
      };
      for await (const batch of drained(table.query().select(['state', 'chunks']))) {
        for (const { state, chunks } of decode(batch, FILE_COLUMNS, ['state', 'chunks'])) {
          if (state === 'removed') continue;
          counts[state].files += 1;
          counts[state].chunks += chunks;
        }
      }
      return counts;
    });
  }
}

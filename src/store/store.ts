import { rm } from 'node:fs/promises';
import type { ChunkBatchBuilder, FileBatchBuilder } from './batch.ts';
import type { ChunkRun, ChunkSet } from './chunk-runs.ts';
import {
  type ChunkKey,
  ChunkTable,
  type HitOptions,
  type LexicalQuery,
  type OrdinalRange,
} from './chunk-table.ts';
import { fileGroups, GROUP_CHUNKS } from './file-groups.ts';
import { FileTable, type FileVersion, type StateCounts } from './file-table.ts';
import type { Filter } from './filter.ts';
import { IndexMeta } from './index-meta.ts';
import { Indexes, type ScalarOptions } from './indexes.ts';
import { type LiveLexicalHit, type SemanticHit, searchLexical, searchSemantic } from './live-search.ts';
import type { IndexLock } from './lock.ts';
import { type MaintainOptions, type MaintainReport, maintain } from './maintain.ts';
import type { Meta, ModelIdentity } from './meta.ts';
import type { Place } from './place.ts';
import type { ChunkDetails, ChunkRow, FileRow, LiveFileRow, VectorKey } from './schema.ts';
import type { Tables } from './tables.ts';
import { type NearestOptions, VectorTable } from './vector-table.ts';
import { type Fault, type VerifiedCounts, verify } from './verify.ts';

export interface RecoverReport {
  /** Chunks without a commit record were found and removed. */
  removedOrphans: boolean;
  /** Leftover files that were removed. */
  sweptFiles: number;
}

export interface StoreCounts {
  files: StateCounts;
  chunks: number;
  /** Rows, stale ones included. */
  vectors: number;
}

/**
 * One index directory, open. Get it from `openStore`; whoever opened it closes it.
 *
 * A writer commits a flush in this order, and may be killed between any two steps: `addChunks` (in the order of seq),
 * `addFiles` (this commits them), `deleteChunksBySeq` and `deleteChunkRuns` of what they replace, `deleteFilesByRev` of
 * the rows that named it. Every chunk up to the highest seq is named by some row at any moment.
 */
export class Store implements AsyncDisposable {
  readonly #place: Place;
  readonly #meta: IndexMeta;
  readonly #tables: Tables;
  readonly #lock: IndexLock | null;
  readonly #files: FileTable;
  readonly #chunks: ChunkTable;
  readonly #vectors: VectorTable;
  readonly #indexes: Indexes;
  #maxSeq = 0n;
  #maxRev = 0n;

  constructor(parts: {
    place: Place;
    tables: Tables;
    lock: IndexLock | null;
    meta: Meta;
    memoryBytes: number | undefined;
  }) {
    this.#place = parts.place;
    this.#tables = parts.tables;
    this.#lock = parts.lock;
    this.#meta = new IndexMeta(parts.place, parts.meta);
    this.#files = new FileTable(parts.tables);
    this.#chunks = new ChunkTable(parts.tables);
    this.#vectors = new VectorTable(parts.tables);
    this.#indexes = new Indexes(parts.tables, parts.memoryBytes);
  }

  /** As last read; `refreshMeta` looks again. */
  meta(): Meta {
    return this.#meta.current;
  }

  /** Reads meta.json again: another process may have set the model meanwhile. */
  async refreshMeta(): Promise<Meta> {
    return this.#meta.refresh();
  }

  /** The highest seq that is committed or was handed out; known to a writer. */
  get maxSeq(): bigint {
    return this.#maxSeq;
  }

  get maxRev(): bigint {
    return this.#maxRev;
  }

  /** A fresh number for the chunk set of a file version. */
  nextSeq(): bigint {
    this.#maxSeq += 1n;
    return this.#maxSeq;
  }

  /** A fresh number for a file row. */
  nextRev(): bigint {
    this.#maxRev += 1n;
    return this.#maxRev;
  }

  /** Writer only, `openStore` does it: learns which numbers are taken. */
  async start(): Promise<void> {
    this.#tables.assertWritable();
    const { rev, seq } = await this.#files.maxima();
    this.#maxRev = rev;
    this.#maxSeq = seq;
  }

  /** Writer only, `openStore` does it after `start`: removes what a killed writer left. */
  async recover(): Promise<RecoverReport> {
    this.#tables.assertWritable();
    const sweptFiles = await this.#place.sweep(this.meta().tables);
    return { removedOrphans: await this.#chunks.deleteAboveSeq(this.#maxSeq), sweptFiles };
  }

  /** Where the tables lie: an index that is built again has others. */
  get tablesUri(): string {
    return this.#place.tablesUri(this.meta().tables);
  }

  /**
   * Binds the index to a model, once.
   * @throws {ModelMismatchError} when it holds vectors of another model, dtype or dimension
   */
  async setModel(model: ModelIdentity): Promise<void> {
    this.#tables.assertWritable();
    await this.#meta.setModel(model);
    await this.#vectors.create(model.dimensions);
  }

  /** @throws {ModelMismatchError} when the index holds vectors of another model, dtype or dimension */
  assertModel(model: ModelIdentity): void {
    this.#meta.assertModel(model);
  }

  /** Records that every chunk is of this version of the chunker. */
  async setChunker(version: string): Promise<void> {
    await this.#meta.setChunker(version);
  }

  /** Appends the rows and clears the batch; on failure the batch keeps them. At most 8,192 rows or about 8 MB. */
  async addChunks(batch: ChunkBatchBuilder): Promise<void> {
    await this.#chunks.add(batch);
  }

  /** Appends the rows, which commits their chunks, and clears the batch. */
  async addFiles(batch: FileBatchBuilder): Promise<void> {
    await this.#files.add(batch);
  }

  async deleteChunksBySeq(seqs: readonly bigint[]): Promise<void> {
    await this.#chunks.deleteBySeq(seqs);
  }

  async deleteChunkRuns(runs: readonly ChunkRun[]): Promise<void> {
    await this.#chunks.deleteRuns(runs);
  }

  async deleteFilesByRev(revs: readonly bigint[]): Promise<void> {
    await this.#files.deleteByRev(revs);
  }

  /**
   * Appends one vector a key; `vectors` is `keys.length * dimensions` normalized floats, row after row.
   * @throws {RangeError} when the length is wrong or a value is not finite
   */
  async addVectors(keys: readonly VectorKey[], vectors: Float32Array): Promise<void> {
    const { model } = this.meta();
    if (model === null) throw new RangeError('setModel comes before addVectors');
    await this.#vectors.add(keys, vectors, model.dimensions);
  }

  /** Rows with a path in `(after, through]`, in no order and not deduped, in batches; null is no bound. */
  filesInRange(after: string | null, through: string | null): AsyncIterable<FileRow[]> {
    return this.#files.inRange(after, through);
  }

  /** Every file once, ordered by the UTF-8 bytes of its path, in constant memory. */
  files(): AsyncIterable<LiveFileRow> {
    return this.#files.inOrder();
  }

  /** For each of the paths that has a row, the one that counts: of a file that is gone, one without chunks. */
  async newestByPath(paths: readonly string[]): Promise<Map<string, FileVersion>> {
    return this.#files.newestByPath(paths);
  }

  /** Up to `limit` files in state `pending` with a seq above `afterSeq`, by ascending seq. */
  async pendingFiles(afterSeq: bigint, limit: number): Promise<FileRow[]> {
    return this.#files.pending(afterSeq, limit);
  }

  /** The asked-for columns of the chunks of these file versions, or those in a range, in batches, in no order. */
  chunksOfFiles<K extends keyof ChunkRow>(
    files: readonly ChunkSet[],
    columns: readonly K[],
    range: OrdinalRange | null = null,
  ): AsyncIterable<Pick<ChunkRow, K>[]> {
    return this.#chunks.ofFiles(files, columns, range);
  }

  /**
   * The asked-for columns of all chunks that count, in batches: by the bytes of the path, and in the order of the file.
   * Memory: one batch of some thousand chunks, whatever the size of a file.
   */
  async *chunksInOrder<K extends keyof ChunkRow>(
    columns: readonly K[],
  ): AsyncGenerator<Pick<ChunkRow, K>[], void, void> {
    const place = [...new Set([...columns, 'path', 'ordinal'] as const)];
    for await (const group of fileGroups(this.files())) {
      const chunks = group.reduce((sum, file) => sum + file.chunks, 0);
      const order = new Map(group.map(({ path }, i) => [path, i]));
      for (let from = 0; from < chunks; from += GROUP_CHUNKS) {
        // Only one file alone can have more than fits.
        const range = group.length > 1 ? null : { from, to: from + GROUP_CHUNKS };
        const rows: Pick<ChunkRow, K | 'path' | 'ordinal'>[] = [];
        for await (const batch of this.chunksOfFiles(group, place, range)) rows.push(...batch);
        yield rows.sort((a, b) => order.get(a.path)! - order.get(b.path)! || a.ordinal - b.ordinal);
        if (range === null) break;
      }
    }
  }

  /** Rows by id, in no order; an id that two versions of a file share comes twice. */
  async chunksById<K extends keyof ChunkRow>(
    ids: readonly string[],
    columns: readonly K[],
  ): Promise<Pick<ChunkRow, K>[]> {
    return this.#chunks.byId(ids, columns);
  }

  /** Those of the chunk ids that have a vector. */
  async existingVectors(ids: readonly string[]): Promise<Set<string>> {
    return this.#vectors.existing(ids);
  }

  /** Vectors of contents embedded before, by content hash. Memory: 4 bytes a dimension for each hash asked for. */
  async vectorsByHash(hashes: readonly string[]): Promise<Map<string, Float32Array>> {
    return this.#vectors.byHash(hashes);
  }

  /** The best `limit` committed chunks (at most 1,000) that hold any of the terms, by BM25. */
  async searchLexical(
    query: LexicalQuery,
    filter: Filter,
    limit: number,
    options: HitOptions = {},
  ): Promise<LiveLexicalHit[]> {
    return searchLexical(this.#searchTables, query, filter, limit, options);
  }

  /** The `limit` committed chunks (at most 1,000) nearest to a normalized vector, by cosine distance. */
  async searchSemantic(
    vector: Float32Array,
    filter: Filter,
    limit: number,
    options: NearestOptions & HitOptions = {},
  ): Promise<SemanticHit[]> {
    return searchSemantic(this.#searchTables, vector, filter, limit, options);
  }

  get #searchTables() {
    return { files: this.#files, chunks: this.#chunks, vectors: this.#vectors };
  }

  /** Text and place of chunks, in their order; undefined where one is gone. */
  async details(chunks: readonly ChunkKey[]): Promise<(ChunkDetails | undefined)[]> {
    return this.#chunks.details(chunks);
  }

  /** Share of the chunks that can be found by meaning, 0 to 1. */
  async coverage(): Promise<number> {
    const { pending, embedded } = await this.#files.byState();
    const all = pending.chunks + embedded.chunks;
    return all === 0 ? 1 : embedded.chunks / all;
  }

  async counts(): Promise<StoreCounts> {
    const files = await this.#files.byState();
    return {
      files,
      chunks: await this.#tables.count('chunks'),
      vectors: await this.#tables.count('vectors'),
    };
  }

  /**
   * Reads and compares all that is committed; yields what does not fit together and returns what it has seen. Beside a
   * writer it takes a commit under way for damage: hold the writer's lock.
   */
  verify(): AsyncGenerator<Fault, VerifiedCounts, void> {
    return verify({ tables: this.#tables, ...this.#searchTables });
  }

  /** Bytes on disk; in an object store those of the rows alone. */
  async sizeBytes(): Promise<number> {
    return (await this.#tables.run('be measured', () => this.#place.bytes())) ?? this.#tables.bytes();
  }

  /** Builds the full-text index when it is missing or far behind, or always with `force`. True when built. */
  async buildTextIndex(options: { force?: boolean } = {}): Promise<boolean> {
    return this.#indexes.buildText(options);
  }

  /** Builds the key indexes that large tables need. Returns which, as `table.column`. */
  async buildScalarIndexes(options: Omit<ScalarOptions, 'force'> = {}): Promise<string[]> {
    return this.#indexes.buildScalar(options);
  }

  /**
   * Builds the vector index when there are many vectors and it is missing or far behind, and `may` allows it then. True when
   * built.
   */
  async buildVectorIndexIfWorthIt(options: { readonly may?: () => Promise<boolean> } = {}): Promise<boolean> {
    return this.#indexes.buildVector(options);
  }

  /** Writer only, at the end of a run: compaction, old versions, stale vectors, indexes; as far as worth it. */
  async maintain(options: MaintainOptions = {}): Promise<MaintainReport> {
    this.#tables.assertWritable();
    const parts = {
      tables: this.#tables,
      files: this.#files,
      indexes: this.#indexes,
      set: this.meta().tables,
    };
    return maintain(parts, options);
  }

  /** Waits for the write under way, lets the tables go and, for a writer, the lock. */
  async close(): Promise<void> {
    try {
      await this.#tables.close();
      if (this.#lock !== null) await rm(this.#place.scratch, { recursive: true, force: true });
    } finally {
      await this.#lock?.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

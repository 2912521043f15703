import type { Data } from 'apache-arrow';
import { type ArrowBatch, BatchBuilder, recordBatch } from './batch.ts';
import { type Filter, filterPredicate, inParts, isIn } from './filter.ts';
import { toHalf } from './half.ts';
import { loadArrow } from './lance.ts';
import { collect, drained } from './scan.ts';
import { VECTOR_KEY_COLUMNS, type VectorKey, vectorSchema } from './schema.ts';
import type { Tables } from './tables.ts';

const NPROBES = 50;
/** What is found is compared with the vectors themselves: the index alone tells other distances than an exact search. */
const REFINE_FACTOR = 1;

export interface Neighbour {
  /** Chunk id. */
  id: string;
  /** Cosine distance, 0 to 2: lower is better. */
  distance: number;
}

export interface NearestOptions {
  /** Compare with every vector, without the index: what an approximate answer is measured by. */
  readonly exact?: boolean;
}

interface Nearest {
  neighbours: Neighbour[];
  /** Rows read, duplicates included. */
  fetched: number;
}

/**
 * The `vectors` table, made when the dimension is known. A row outlives its chunk: when the chunk comes back, so does
 * its vector. Maintenance removes what has been stale for too long.
 */
export class VectorTable {
  readonly #tables: Tables;
  #keys: BatchBuilder<VectorKey> | undefined;
  #values = new Uint16Array(0);
  #lastAdd: Promise<void> = Promise.resolve();

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async create(dimensions: number): Promise<void> {
    await this.#tables.create('vectors', vectorSchema(dimensions));
  }

  /**
   * Appends one row a key; `vectors` holds them one after the other, `keys.length * dimensions` normalized floats.
   * @throws {RangeError} when the length is wrong or a value is not finite (Lance would take it)
   */
  async add(keys: readonly VectorKey[], vectors: Float32Array, dimensions: number): Promise<void> {
    if (vectors.length !== keys.length * dimensions)
      throw new RangeError(`${vectors.length} floats are not ${keys.length} vectors of ${dimensions}`);
    if (!vectors.every(Number.isFinite)) throw new RangeError('a vector holds a value that is not finite');
    if (keys.length === 0) return;
    await this.create(dimensions);
    // One after the other, as they share their memory.
    const turn = this.#lastAdd.then(() => this.#append(keys, vectors, dimensions));
    this.#lastAdd = turn.catch(() => {});
    await turn;
  }

  async #append(keys: readonly VectorKey[], vectors: Float32Array, dimensions: number): Promise<void> {
    this.#keys ??= new BatchBuilder<VectorKey>(VECTOR_KEY_COLUMNS);
    try {
      await this.#tables.add('vectors', this.#batch(this.#keys, keys, vectors, dimensions));
    } finally {
      this.#keys.clear();
    }
  }

  #batch(
    builder: BatchBuilder<VectorKey>,
    keys: readonly VectorKey[],
    vectors: Float32Array,
    dimensions: number,
  ): ArrowBatch {
    for (const key of keys) builder.append(key);
    const children: Data[] = builder.columns();
    const { FixedSizeList, Float16, makeData } = loadArrow();
    const schema = vectorSchema(dimensions);
    const data = this.#halves(vectors);
    const values = makeData({ type: new Float16(), length: vectors.length, nullCount: 0, data });
    const type = schema.fields.at(-1)!.type as InstanceType<typeof FixedSizeList>;
    children.push(makeData({ type, length: keys.length, nullCount: 0, child: values }));
    return recordBatch(schema, keys.length, children);
  }

  /** As 16-bit floats, in memory that is used again. */
  #halves(vectors: Float32Array): Uint16Array {
    if (this.#values.length < vectors.length) this.#values = new Uint16Array(vectors.length);
    const values = this.#values.subarray(0, vectors.length);
    for (let i = 0; i < vectors.length; i++) values[i] = toHalf(vectors[i]!);
    return values;
  }

  /** Those of `ids` that have a vector. */
  async existing(ids: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>();
    const table = await this.#tables.find('vectors');
    if (table === null) return found;
    for (const part of inParts(ids)) {
      const query = () => table.query().select(['id']).where(isIn('id', part));
      const rows = await this.#tables.read('read vectors', () =>
        collect(query(), VECTOR_KEY_COLUMNS, ['id']),
      );
      for (const { id } of rows) found.add(id);
    }
    return found;
  }

  /** The vectors of contents that were embedded before, at whatever place. */
  async byHash(hashes: readonly string[]): Promise<Map<string, Float32Array>> {
    const found = new Map<string, Float32Array>();
    const table = await this.#tables.find('vectors');
    if (table === null) return found;
    for (const part of inParts([...new Set(hashes)])) {
      await this.#tables.read('read vectors', async () => {
        const query = table.query().select(['hash', 'vector']).where(isIn('hash', part));
        for await (const batch of drained(query)) {
          const keys = batch.getChild('hash')!;
          const vectors = batch.getChild('vector')!;
          for (let i = 0; i < batch.numRows; i++) {
            const hash = keys.get(i) as string;
            // A copy: a view would keep the whole batch.
            if (!found.has(hash)) found.set(hash, Float32Array.from(vectors.get(i) as Iterable<number>));
          }
        }
      });
    }
    return found;
  }

  /** The `limit` nearest ids, each once, stale ones included: approximate when there is an index, else exact. */
  async nearest(
    vector: Float32Array,
    filter: Filter,
    limit: number,
    options: NearestOptions = {},
  ): Promise<Nearest> {
    const table = await this.#tables.find('vectors');
    if (table === null || limit < 1) return { neighbours: [], fetched: 0 };
    const where = filterPredicate(filter);
    return this.#tables.read('search', async () => {
      const query = table.query().nearestTo(vector).distanceType('cosine').nprobes(NPROBES);
      query.refineFactor(REFINE_FACTOR).select(['id', '_distance']).limit(limit);
      if (options.exact === true) query.bypassVectorIndex();
      if (where !== null) query.where(where);
      const nearest = new Map<string, number>();
      let fetched = 0;
      for await (const batch of drained(query)) {
        const ids = batch.getChild('id')!;
        const distances = batch.getChild('_distance')!;
        fetched += batch.numRows;
        for (let i = 0; i < batch.numRows; i++) {
          const id = ids.get(i) as string;
          const distance = Number(distances.get(i));
          nearest.set(id, Math.min(distance, nearest.get(id) ?? Number.POSITIVE_INFINITY));
        }
      }
      const found = Array.from(nearest, ([id, distance]) => ({ id, distance }));
      return { neighbours: found.sort((a, b) => a.distance - b.distance), fetched };
    });
  }
}

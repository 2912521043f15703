import { randomUUID } from 'node:crypto';
import { IndexCorruptError, IndexFormatError, NoIndexError, NotAnIndexError } from './errors.ts';
import type { Place } from './place.ts';

export const INDEX_FORMAT = 5;
/** Of more than one set of tables the metadata names the one in use. */
const TABLES = /^tables-[\w-]+$/;

/** The embedding model an index was built with. */
export interface ModelIdentity {
  id: string;
  /** Of the weights, such as `fp32` or `q8`. */
  dtype: string;
  dimensions: number;
}

export interface Meta {
  format: number;
  /** Null until the semantic lane first ran. */
  model: ModelIdentity | null;
  /** The tree it is of; null where it lies in the tree itself and moves with it. */
  root: string | null;
  /** ISO 8601. */
  createdAt: string;
  /** Version of tidemark that made the index. */
  tidemark: string;
  /** Version of the chunker that made the chunks. */
  chunker: string;
  /** Directory of the tables in the index directory; another name for each new index. */
  tables: string;
}

export function newMeta(versions: { tidemark: string; chunker: string }, root: string | null): Meta {
  return {
    format: INDEX_FORMAT,
    model: null,
    root,
    createdAt: new Date().toISOString(),
    ...versions,
    tables: `tables-${randomUUID().slice(0, 8)}`,
  };
}

/**
 * @throws {NoIndexError} when there is none, {IndexFormatError} when another tidemark made it, {NotAnIndexError} when
 * the metadata are not tidemark's
 */
export async function readMeta(place: Place): Promise<Meta> {
  const { name } = place;
  const text = await place.readMeta();
  if (text === null)
    throw (await place.state()) === 'foreign' ? new NotAnIndexError(name) : new NoIndexError(name);
  let meta: Partial<Meta> | null;
  try {
    meta = JSON.parse(text) as Partial<Meta> | null;
  } catch (error) {
    throw new IndexCorruptError(name, 'meta.json is not JSON', error);
  }
  if (typeof meta?.format !== 'number') throw new NotAnIndexError(name);
  if (meta.format !== INDEX_FORMAT) throw new IndexFormatError(name, meta.format, INDEX_FORMAT);
  if (typeof meta.tables !== 'string' || !TABLES.test(meta.tables) || meta.model === undefined)
    throw new IndexCorruptError(name, 'meta.json lacks fields', undefined);
  return meta as Meta;
}

export async function writeMeta(place: Place, meta: Meta): Promise<void> {
  await place.writeMeta(`${JSON.stringify(meta, null, 2)}\n`);
}

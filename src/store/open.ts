import { asStoreError, NoIndexError, NotAnIndexError, OtherTreeError } from './errors.ts';
import { Indexes } from './indexes.ts';
import type { IndexLock } from './lock.ts';
import { type Meta, newMeta, readMeta, writeMeta } from './meta.ts';
import type { Place } from './place.ts';
import { placeAt } from './place-at.ts';
import { arrowSchema, CHUNK_COLUMNS, FILE_COLUMNS } from './schema.ts';
import { Store } from './store.ts';
import { Tables } from './tables.ts';

export interface OpenStoreOptions {
  /** Make the index when there is none; needs mode `write`. */
  create: boolean;
  /** `write` takes the single writer's lock until the store is closed. */
  mode: 'read' | 'write';
  /** Budget of the process tree, which Lance's caches are a share of. Default: that of the machine. */
  memoryBytes?: number | undefined;
  /** False leaves what a killed writer left as it is, to be looked at. Default true. */
  recover?: boolean;
  /** Real path of the tree, where the index lies outside of it: an index is of one tree. */
  root?: string;
  /** Called with the metadata of the index that is read, before its tables and the native library are loaded. */
  onMeta?: (meta: Meta) => void;
  /** Recorded in a new index. */
  versions?: { tidemark: string; chunker: string };
}

/**
 * Opens the index in a directory (absolute) or an object store (a URI); the caller closes it. A writer finds it recovered
 * from whatever stopped the last one.
 * @throws {NoIndexError} when there is none and `create` is false
 * @throws {NotAnIndexError} when the place is somebody else's
 * @throws {IndexFormatError} when another version of tidemark made it
 * @throws {OtherTreeError} when it is of another tree
 * @throws {IndexBusyError} when another writer has it open
 */
export async function openStore(where: string, options: OpenStoreOptions): Promise<Store> {
  const place = placeAt(where, options.memoryBytes);
  const found = await place.state();
  if (found === 'foreign') throw new NotAnIndexError(where);
  if (options.mode === 'read') {
    const meta = await readMetaOf(place, options.root);
    options.onMeta?.(meta);
    return openTables(place, options, meta, null);
  }
  if (found !== 'index' && !options.create) throw new NoIndexError(where);
  // Refused before anything is written, the lock included.
  if (found === 'index') await readMetaOf(place, options.root);
  else await place.prepare();
  const lock = await place.lock();
  try {
    const store = await openTables(place, options, await metaUnderLock(place, options, lock), lock);
    await store.start();
    if (options.recover !== false) await store.recover();
    return store;
  } catch (error) {
    await lock.release();
    throw asStoreError(error, where, 'be opened');
  }
}

async function readMetaOf(place: Place, root: string | undefined): Promise<Meta> {
  const meta = await readMeta(place);
  if (root !== undefined && typeof meta.root === 'string' && meta.root !== root) {
    throw new OtherTreeError(place.name, meta.root, root);
  }
  return meta;
}

/** Another writer may have made the index, or removed it, while this one waited for the lock. */
async function metaUnderLock(place: Place, options: OpenStoreOptions, lock: IndexLock): Promise<Meta> {
  if ((await place.state()) === 'index') return readMetaOf(place, options.root);
  await place.removeTables(null);
  const versions = options.versions ?? { tidemark: 'unknown', chunker: 'unknown' };
  const meta = newMeta(versions, options.root ?? null);
  await createTables(place, options, meta, lock);
  // Last: an index that has its metadata is whole.
  await writeMeta(place, meta);
  return meta;
}

async function createTables(
  place: Place,
  { memoryBytes }: OpenStoreOptions,
  meta: Meta,
  lock: IndexLock,
): Promise<void> {
  const tables = new Tables(place, await place.connect(meta.tables, 'write'), lock);
  try {
    await tables.create('files', arrowSchema(FILE_COLUMNS));
    await tables.create('chunks', arrowSchema(CHUNK_COLUMNS));
    // Empty, it fixes how terms are read; rows that come later are searched without it until it is built again.
    await new Indexes(tables, memoryBytes).buildText({ force: true });
  } finally {
    await tables.close();
  }
}

async function openTables(
  place: Place,
  { mode, memoryBytes }: OpenStoreOptions,
  meta: Meta,
  lock: IndexLock | null,
): Promise<Store> {
  const connection = await place.connect(meta.tables, mode);
  const tables = new Tables(place, connection, lock);
  await tables.get('files');
  await tables.get('chunks');
  return new Store({ place, tables, lock, meta, memoryBytes });
}

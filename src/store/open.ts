import path from 'node:path';
import { asStoreError, NoIndexError, NotAnIndexError, OtherTreeError } from './errors.ts';
import { Indexes } from './indexes.ts';
import { connectTo } from './lance.ts';
import { acquireLock, type IndexLock } from './lock.ts';
import { inspectDir, type Meta, newMeta, prepareDir, readMeta, writeMeta } from './meta.ts';
import { removeTables } from './remove.ts';
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
  /** Recorded in a new index. */
  versions?: { tidemark: string; chunker: string };
}

/**
 * Opens the index in `dir`; the caller closes it. A writer finds it recovered from whatever stopped the last one.
 * @throws {NoIndexError} when there is none and `create` is false
 * @throws {NotAnIndexError} when the directory is somebody else's
 * @throws {IndexFormatError} when another version of tidemark made it
 * @throws {OtherTreeError} when it is of another tree
 * @throws {IndexBusyError} when another writer has it open
 */
export async function openStore(dir: string, options: OpenStoreOptions): Promise<Store> {
  if (!path.isAbsolute(dir)) throw new RangeError(`not an absolute path: ${dir}`);
  const found = await inspectDir(dir);
  if (found === 'foreign') throw new NotAnIndexError(dir);
  if (options.mode === 'read') return openTables(dir, options, await readMetaOf(dir, options.root), null);
  if (found !== 'index' && !options.create) throw new NoIndexError(dir);
  // Refused before anything is written, the lock included.
  if (found === 'index') await readMetaOf(dir, options.root);
  else await prepareDir(dir);
  const lock = await acquireLock(dir);
  try {
    const store = await openTables(dir, options, await metaUnderLock(dir, options), lock);
    await store.start();
    if (options.recover !== false) await store.recover();
    return store;
  } catch (error) {
    await lock.release();
    throw asStoreError(error, dir, 'be opened');
  }
}

async function readMetaOf(dir: string, root: string | undefined): Promise<Meta> {
  const meta = await readMeta(dir);
  if (root !== undefined && typeof meta.root === 'string' && meta.root !== root) {
    throw new OtherTreeError(dir, meta.root, root);
  }
  return meta;
}

/** Another writer may have made the index, or removed it, while this one waited for the lock. */
async function metaUnderLock(dir: string, options: OpenStoreOptions): Promise<Meta> {
  if ((await inspectDir(dir)) === 'index') return readMetaOf(dir, options.root);
  await removeTables(dir);
  const versions = options.versions ?? { tidemark: 'unknown', chunker: 'unknown' };
  const meta = newMeta(versions, options.root ?? null);
  await createTables(dir, options, meta);
  // Last: an index that has this file is whole.
  await writeMeta(dir, meta);
  return meta;
}

async function createTables(dir: string, { memoryBytes }: OpenStoreOptions, meta: Meta): Promise<void> {
  const tables = new Tables(dir, await connectTo(path.join(dir, meta.tables), memoryBytes), true);
  try {
    await tables.create('files', arrowSchema(FILE_COLUMNS));
    await tables.create('chunks', arrowSchema(CHUNK_COLUMNS));
    // Empty, it fixes how terms are read; rows that come later are searched without it until it is built again.
    await new Indexes(tables).buildText({ force: true });
  } finally {
    await tables.close();
  }
}

async function openTables(
  dir: string,
  { memoryBytes }: OpenStoreOptions,
  meta: Meta,
  lock: IndexLock | null,
): Promise<Store> {
  const connection = await connectTo(path.join(dir, meta.tables), memoryBytes);
  const tables = new Tables(dir, connection, lock !== null);
  await tables.get('files');
  await tables.get('chunks');
  return new Store({ dir, tables, lock, meta, memoryBytes });
}

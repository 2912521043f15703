import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  asStoreError,
  IndexCorruptError,
  IndexFormatError,
  NoIndexError,
  NotAnIndexError,
} from './errors.ts';

export const INDEX_FORMAT = 4;
export const META_FILE = 'meta.json';
/** Directories of tables; of more than one, meta.json names the one in use. */
export const TABLES_DIR = /^tables-[\w-]+$/;
/** What a creation that was cut short may leave: all of it tidemark's own. */
const BEFORE_META = /^(?:lock|tmp|\.gitignore|tables-[\w-]+|meta\.json\..+\.tmp)$/;

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

/** `missing`, `empty` (or an unfinished creation), `index`, or `foreign`: somebody else's directory. */
export async function inspectDir(dir: string): Promise<'missing' | 'empty' | 'index' | 'foreign'> {
  try {
    const entries = await readdir(dir);
    if (entries.includes(META_FILE)) return 'index';
    return entries.every((entry) => BEFORE_META.test(entry)) ? 'empty' : 'foreign';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'missing';
    if (code === 'ENOTDIR') return 'foreign';
    throw asStoreError(error, dir, 'be opened');
  }
}

/**
 * @throws {NoIndexError} when there is none, {IndexFormatError} when another tidemark made it, {NotAnIndexError} when
 * its meta.json is not tidemark's
 */
export async function readMeta(dir: string): Promise<Meta> {
  let text: string;
  try {
    text = await readFile(path.join(dir, META_FILE), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw asStoreError(error, dir, 'be opened');
    if ((await inspectDir(dir)) === 'foreign') throw new NotAnIndexError(dir);
    throw new NoIndexError(dir);
  }
  let meta: Partial<Meta> | null;
  try {
    meta = JSON.parse(text) as Partial<Meta> | null;
  } catch (error) {
    throw new IndexCorruptError(dir, `${META_FILE} is not JSON`, error);
  }
  if (typeof meta?.format !== 'number') throw new NotAnIndexError(dir);
  if (meta.format !== INDEX_FORMAT) throw new IndexFormatError(dir, meta.format, INDEX_FORMAT);
  if (typeof meta.tables !== 'string' || !TABLES_DIR.test(meta.tables) || meta.model === undefined)
    throw new IndexCorruptError(dir, `${META_FILE} lacks fields`, undefined);
  return meta as Meta;
}

/** Replaces meta.json in one step: a reader sees the old one or the new one. */
export async function writeMeta(dir: string, meta: Meta): Promise<void> {
  const draft = path.join(dir, `${META_FILE}.${randomUUID()}.tmp`);
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(`${JSON.stringify(meta, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path.join(dir, META_FILE));
  } catch (error) {
    await rm(draft, { force: true });
    throw asStoreError(error, dir, 'write its metadata');
  }
}

/** Makes the directory, which ignores itself for git. */
export async function prepareDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
    await writeFile(path.join(dir, '.gitignore'), '*\n');
  } catch (error) {
    throw asStoreError(error, dir, 'be created');
  }
}

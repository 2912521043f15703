import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Connection } from '@lancedb/lancedb';
import { asStoreError } from './errors.ts';
import { connectTo, type Use } from './lance.ts';
import { acquireLock, type IndexLock } from './lock.ts';
import type { Place, PlaceState } from './place.ts';
import { directoryBytes, scratchDir, sweepLeftovers } from './sweep.ts';
import type { TableName } from './tables.ts';

const META_FILE = 'meta.json';
/** Directories of tables; of more than one, meta.json names the one in use. */
const TABLES_DIR = /^tables-[\w-]+$/;
/** What a creation that was cut short may leave: all of it tidemark's own. */
const BEFORE_META = /^(?:lock|tmp|\.gitignore|tables-[\w-]+|meta\.json\..+\.tmp)$/;

/** An index in a directory. */
export class LocalPlace implements Place {
  readonly name: string;
  readonly #memoryBytes: number | undefined;

  /** @param dir absolute */
  constructor(dir: string, memoryBytes?: number) {
    if (!path.isAbsolute(dir)) throw new RangeError(`not an absolute path: ${dir}`);
    this.name = dir;
    this.#memoryBytes = memoryBytes;
  }

  get scratch(): string {
    return scratchDir(this.name);
  }

  async state(): Promise<PlaceState> {
    try {
      const entries = await readdir(this.name);
      if (entries.includes(META_FILE)) return 'index';
      return entries.every((entry) => BEFORE_META.test(entry)) ? 'empty' : 'foreign';
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return 'missing';
      if (code === 'ENOTDIR') return 'foreign';
      throw asStoreError(error, this.name, 'be opened');
    }
  }

  /** Makes the directory, which ignores itself for git. */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.name, { recursive: true });
      await writeFile(path.join(this.name, '.gitignore'), '*\n');
    } catch (error) {
      throw asStoreError(error, this.name, 'be created');
    }
  }

  async lock(): Promise<IndexLock> {
    return acquireLock(this.name);
  }

  async readMeta(): Promise<string | null> {
    try {
      // Each search looks: for so small a file the way through the thread pool takes fifty times as long as to read it.
      return readFileSync(path.join(this.name, META_FILE), 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      throw asStoreError(error, this.name, 'be opened');
    }
  }

  async writeMeta(text: string): Promise<void> {
    const draft = path.join(this.name, `${META_FILE}.${randomUUID()}.tmp`);
    try {
      const file = await open(draft, 'wx');
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path.join(this.name, META_FILE));
    } catch (error) {
      await rm(draft, { force: true });
      throw asStoreError(error, this.name, 'write its metadata');
    }
  }

  async connect(tables: string, use: Use): Promise<Connection> {
    return connectTo(this.tablesUri(tables), { use, memoryBytes: this.#memoryBytes });
  }

  tablesUri(tables: string): string {
    return path.join(this.name, tables);
  }

  async sweep(tables: string): Promise<number> {
    return sweepLeftovers(this.name, this.tablesUri(tables));
  }

  async bytes(): Promise<number> {
    return directoryBytes(this.name);
  }

  async wear(tables: string, table: TableName): Promise<{ bytes: number; versions: number }> {
    const dir = path.join(this.tablesUri(tables), `${table}.lance`);
    const versions = await readdir(path.join(dir, '_versions')).catch(() => []);
    return { bytes: await directoryBytes(dir), versions: versions.length };
  }

  async removeTables(): Promise<void> {
    for (const entry of await readdir(this.name))
      if (TABLES_DIR.test(entry)) await rm(path.join(this.name, entry), { recursive: true, force: true });
  }

  /** The directory goes too when nothing else is left in it. */
  async removeRest(lock: IndexLock): Promise<void> {
    for (const entry of ['tmp', META_FILE, '.gitignore', 'lock'])
      await rm(path.join(this.name, entry), { recursive: true, force: true });
    await lock.release();
    await rmdir(this.name).catch((error: NodeJS.ErrnoException) => {
      // Someone keeps something of their own in it.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  }

  async hasTables(): Promise<boolean> {
    return (await readdir(this.name)).some((entry) => TABLES_DIR.test(entry));
  }
}

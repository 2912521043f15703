import type { Connection } from '@lancedb/lancedb';
import type { Use } from './lance.ts';
import type { IndexLock } from './lock.ts';
import type { TableName } from './tables.ts';

/** What is found where an index should be: `empty` may be an unfinished creation, `foreign` is somebody else's. */
export type PlaceState = 'missing' | 'empty' | 'index' | 'foreign';

/** Where an index lies: a directory, or a prefix in an object store. Its methods throw TidemarkErrors. */
export interface Place {
  /** As a person names it on the command line. */
  readonly name: string;
  /** A private directory of this machine for what index builds spill. */
  readonly scratch: string;
  state(): Promise<PlaceState>;
  /** Makes room for an index where nothing is. */
  prepare(): Promise<void>;
  /**
   * Takes the single writer's lock; the caller releases it.
   * @throws {IndexBusyError} when a live process holds it
   */
  lock(): Promise<IndexLock>;
  /** The metadata as text; null where there is none. */
  readMeta(): Promise<string | null>;
  /** Replaces the metadata in one step: a reader sees the old or the new. */
  writeMeta(text: string): Promise<void>;
  /** Where the tables of an index lie; `tables` names them. */
  tablesUri(tables: string): string;
  connect(tables: string, use: Use): Promise<Connection>;
  /** Removes what a killed writer left behind and nothing else would; only under the lock. Returns how many. */
  sweep(tables: string): Promise<number>;
  /** Bytes that the index takes; null where that is not known without listing all of it. */
  bytes(): Promise<number | null>;
  /** Bytes of one table and number of its versions, those that nobody reads any more included. */
  wear(tables: string, table: TableName): Promise<{ bytes: number; versions: number } | null>;
  /** True where tables lie beside metadata that cannot be read: they tell whose it is. */
  hasTables(): Promise<boolean>;
  /** Removes the tables of an index, or of all that may lie there; only under the lock. */
  removeTables(tables: string | null): Promise<void>;
  /** Removes what else is tidemark's, after the tables; only under the lock, which goes too. */
  removeRest(lock: IndexLock): Promise<void>;
}

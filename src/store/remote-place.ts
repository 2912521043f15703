import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Connection, Table } from '@lancedb/lancedb';
import { asStoreError, isMissingData, NoConditionalPutError } from './errors.ts';
import { connectTo, loadArrow, type Use } from './lance.ts';
import type { IndexLock } from './lock.ts';
import type { Place, PlaceState } from './place.ts';
import { dropRemoteLock, RemoteLock } from './remote-lock.ts';

/** Schemes of the object stores that Lance knows. */
export const OBJECT_STORE = /^(?:s3|gs|az):\/\/[^/]/;
const META = 'meta';
const DATA = ['files', 'chunks', 'vectors'] as const;
const PROBES = 3;

/**
 * An index below a prefix in an object store: the tables, and beside them one of metadata and one for the lock. All that
 * is asked of the store goes through Lance, so that S3, Google's and Azure's are alike. Where credentials and addresses
 * come from is the environment, as each store's own tools have it.
 */
export class RemotePlace implements Place {
  readonly name: string;
  readonly scratch = path.join(tmpdir(), `tidemark-scratch-${process.pid}`);
  readonly #memoryBytes: number | undefined;

  /** @param uri without a slash at its end */
  constructor(uri: string, memoryBytes?: number) {
    this.name = uri;
    this.#memoryBytes = memoryBytes;
  }

  async state(): Promise<PlaceState> {
    return (await this.readMeta()) === null ? 'missing' : 'index';
  }

  async prepare(): Promise<void> {}

  /** @throws {NoConditionalPutError} where two writers could not be kept apart */
  async lock(): Promise<IndexLock> {
    return this.#run('be locked', async () => {
      const root = await this.#root();
      if (process.env.TIDEMARK_SINGLE_WRITER !== '1') await this.#probe(root);
      return RemoteLock.take(root, this.name);
    });
  }

  async readMeta(): Promise<string | null> {
    return this.#run('be opened', async () => {
      const table = await find(await this.#root(), META);
      if (table === null) return null;
      try {
        await table.checkoutLatest();
        const rows = await table.query().toArray();
        const newest = rows.reduce((a, b) => (Number(b.n) > Number(a?.n ?? -1) ? b : a), null);
        return newest === null ? null : String(newest.json);
      } finally {
        table.close();
      }
    });
  }

  async writeMeta(text: string): Promise<void> {
    await this.#run('write its metadata', async () => {
      const { Field, Int64, Schema, Utf8 } = loadArrow();
      const schema = new Schema([new Field('n', new Int64(), false), new Field('json', new Utf8(), false)]);
      const table = await (await this.#root()).createEmptyTable(META, schema, {
        mode: 'create',
        existOk: true,
      });
      try {
        await table.checkoutLatest();
        const n = BigInt(Date.now());
        await table.add([{ n, json: text }]);
        await table.delete(`n < ${n}`);
      } finally {
        table.close();
      }
    });
  }

  tablesUri(tables: string): string {
    return `${this.name}/${tables}`;
  }

  async connect(tables: string, use: Use): Promise<Connection> {
    return this.#run('be opened', () => connectTo(this.tablesUri(tables), { ...this.#options, use }));
  }

  /** A store drops what was not uploaded to its end. */
  async sweep(): Promise<number> {
    return 0;
  }

  async bytes(): Promise<null> {
    return null;
  }

  async wear(): Promise<null> {
    return null;
  }

  async hasTables(): Promise<boolean> {
    return false;
  }

  async removeTables(tables: string | null): Promise<void> {
    if (tables === null) return;
    const connection = await this.connect(tables, 'write');
    await this.#run('be removed', async () => {
      for (const name of DATA) await dropIfThere(connection, name);
    });
  }

  async removeRest(lock: IndexLock): Promise<void> {
    await this.#run('be removed', async () => {
      const root = await this.#root();
      await dropIfThere(root, META);
      await lock.release();
      await dropRemoteLock(root);
    });
  }

  get #options() {
    return { memoryBytes: this.#memoryBytes, storageOptions: storageOptions(this.name) };
  }

  /** The metadata and the lock: a few rows, for which a writer's caches are enough. */
  async #root(): Promise<Connection> {
    return connectTo(this.name, { ...this.#options, use: 'write' });
  }

  async #run<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw asStoreError(error, this.name, what);
    }
  }

  /**
   * Two commits at once to a table of their own: without conditional PUT one of them is lost, in ten of ten tries on a
   * server that lacks it. What is right here a few times in a row may still fail one day; what is wrong once is wrong.
   */
  async #probe(root: Connection): Promise<void> {
    const { Field, Int32, Schema } = loadArrow();
    const schema = new Schema([new Field('i', new Int32(), false)]);
    for (let round = 0; round < PROBES; round++) {
      const name = `probe-${randomUUID()}`;
      const table = await root.createEmptyTable(name, schema);
      const handles = [await root.openTable(name), await root.openTable(name)];
      try {
        const adds = await Promise.allSettled(handles.map((handle, i) => handle.add([{ i }])));
        const versions = adds.flatMap((add) => (add.status === 'fulfilled' ? [add.value.version] : []));
        await table.checkoutLatest();
        const rows = await table.query().toArray();
        if (rows.length !== versions.length || new Set(versions).size !== versions.length)
          throw new NoConditionalPutError(this.name);
      } finally {
        for (const handle of [...handles, table]) handle.close();
        await root.dropTable(name);
      }
    }
  }
}

/** Null where there is no such table. */
async function find(connection: Connection, name: string): Promise<Table | null> {
  try {
    return await connection.openTable(name);
  } catch (error) {
    if (isMissingData(error) && !/NoSuchBucket|ContainerNotFound/.test((error as Error).message)) return null;
    throw error;
  }
}

async function dropIfThere(connection: Connection, name: string): Promise<void> {
  const table = await find(connection, name);
  if (table === null) return;
  table.close();
  await connection.dropTable(name);
}

/**
 * The store's own variables are read by Lance itself. A store that does not answer is given up after a while; plain HTTP
 * is allowed where the address that was set is plain HTTP.
 */
function storageOptions(uri: string): Record<string, string> {
  const { env } = process;
  const address = uri.startsWith('s3:')
    ? (env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL ?? env.AWS_ENDPOINT)
    : (env.AZURE_STORAGE_ENDPOINT ?? env.AZURE_ENDPOINT);
  const plain = address?.startsWith('http://') === true;
  return { timeout: '20s', client_max_retries: '2', ...(plain ? { allow_http: 'true' } : {}) };
}

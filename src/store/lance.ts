import { createRequire } from 'node:module';
import type * as LanceModule from '@lancedb/lancedb';
import type * as ArrowModule from 'apache-arrow';

/** What keeps the native side small; read once by the library, so it has to be set before it loads. */
const NATIVE_ENV: Readonly<Record<string, string>> = {
  // Over 220k chunks 165 MB at the peak of a build against 234 MB with 64, and queries are as quick.
  LANCE_FTS_PARTITION_SIZE: '16',
  LANCE_DEFAULT_FRAGMENT_READAHEAD: '2',
  LANCE_DEFAULT_IO_BUFFER_SIZE: '67108864',
  LANCEDB_LOG: 'error',
};
const INDEX_CACHE_BYTES = 64n << 20n;
const METADATA_CACHE_BYTES = 32n << 20n;
const MAX_CONNECTIONS = 4;

const require = createRequire(import.meta.url);

export type Lance = typeof LanceModule;
export type Arrow = typeof ArrowModule;

let lance: Lance | undefined;
let arrow: Arrow | undefined;
let session: LanceModule.Session | undefined;
const connections = new Map<string, Promise<LanceModule.Connection>>();

/** The native library, loaded on first use (100 MB of RSS) with its environment set. A value the user set wins. */
export function loadLance(): Lance {
  if (lance !== undefined) return lance;
  for (const [name, value] of Object.entries(NATIVE_ENV)) process.env[name] ??= value;
  lance = require('@lancedb/lancedb') as Lance;
  return lance;
}

/** The very copy of apache-arrow that lancedb uses: a second one costs memory and a conversion on each add. */
export function loadArrow(): Arrow {
  arrow ??= require('apache-arrow') as Arrow;
  return arrow;
}

/**
 * One Session a process, and one connection an index: a connection costs 7 MB until it is collected. They are never
 * closed, only forgotten when many indexes were opened.
 */
export async function connectTo(dir: string): Promise<LanceModule.Connection> {
  const known = connections.get(dir);
  if (known !== undefined) return known;
  const { connect, Session } = loadLance();
  session ??= new Session(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES);
  const connection = connect(dir, { readConsistencyInterval: 0 }, session);
  connections.set(dir, connection);
  connection.catch(() => connections.delete(dir));
  for (const oldest of connections.keys()) {
    if (connections.size <= MAX_CONNECTIONS) break;
    connections.delete(oldest);
  }
  return connection;
}

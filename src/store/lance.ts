import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as LanceModule from '@lancedb/lancedb';
import type * as ArrowModule from 'apache-arrow';
import { entryPoint } from '../memory/entry-point.ts';
import { defaultBudgetBytes } from '../memory/plan.ts';

/** What keeps the native side small; read once by the library, so it has to be set before it loads. */
const NATIVE_ENV: Readonly<Record<string, string>> = {
  LANCE_DEFAULT_FRAGMENT_READAHEAD: '2',
  LANCE_DEFAULT_IO_BUFFER_SIZE: '67108864',
  LANCE_SHUFFLE_BATCH_BYTES: '16777216',
  LANCEDB_LOG: 'error',
};
const MB = 1_000_000;
/**
 * A full-text index is built in parts of so many MiB, by the budget. Larger ones are searched faster and hold each word
 * fewer times. A million chunks take 147 MB more at the peak of a build with 16, 209 MB with 64 and 258 MB with 256; a
 * query over them 13, 5 and 4 ms.
 */
const TEXT_PARTS: readonly { readonly fromBytes: number; readonly mebibytes: string }[] = [
  { fromBytes: 800 * MB, mebibytes: '256' },
  { fromBytes: 450 * MB, mebibytes: '64' },
  { fromBytes: 0, mebibytes: '16' },
];
/** What a connection is for. */
export type Use = 'read' | 'write';

/**
 * Lance's own default is 6 GiB and 1 GiB. A writer looks few things up twice, and what its caches take they take bit by
 * bit: with those of a reader the resident set grew by 75 MB over the files of Linux. Each commit leaves a list of all
 * fragments in that of the metadata: 8 MB of them took some 8 MB more than 2 MB did, and were no quicker.
 */
const CACHES = {
  read: {
    index: { share: 1 / 8, least: 32 * MB, most: 256 * MB },
    metadata: { share: 1 / 16, least: 16 * MB, most: 64 * MB },
  },
  write: {
    index: { share: 1 / 256, least: 1 * MB, most: 16 * MB },
    metadata: { share: 1 / 256, least: 1 * MB, most: 16 * MB },
  },
};
const MAX_CONNECTIONS = 4;

interface ConnectOptions {
  readonly memoryBytes?: number | undefined;
  /** Default `read`. */
  readonly use?: Use | undefined;
  /** For an object store, as Lance names them. */
  readonly storageOptions?: Record<string, string>;
}

const require = createRequire(import.meta.url);

export type Lance = typeof LanceModule;
export type Arrow = typeof ArrowModule;

let lance: Lance | undefined;
let arrow: Arrow | undefined;
const sessions = new Map<Use, LanceModule.Session>();
const connections = new Map<string, Promise<LanceModule.Connection>>();

/**
 * The native library, loaded on first use (100 MB of RSS) with its environment set. A value the user set wins; of two
 * budgets in one process the first one counts.
 */
export function loadLance(memoryBytes?: number): Lance {
  if (lance !== undefined) return lance;
  const budgetBytes = memoryBytes ?? defaultBudgetBytes();
  for (const [name, value] of Object.entries(NATIVE_ENV)) process.env[name] ??= value;
  process.env.LANCE_FTS_PARTITION_SIZE ??= TEXT_PARTS.find(
    ({ fromBytes }) => budgetBytes >= fromBytes,
  )!.mebibytes;
  lance = packages().lance();
  return lance;
}

/** The copy of apache-arrow that lancedb uses. */
export function loadArrow(): Arrow {
  arrow ??= packages().arrow();
  return arrow;
}

/**
 * One Session a process to read and one to write, whose caches are a share of the budget, and one connection an index: a
 * connection costs 7 MB until it is collected. They are never closed, only forgotten when many indexes were opened.
 */
export async function connectTo(uri: string, options: ConnectOptions = {}): Promise<LanceModule.Connection> {
  const { memoryBytes = defaultBudgetBytes(), use = 'read', storageOptions } = options;
  const key = `${use} ${uri}`;
  const known = connections.get(key);
  if (known !== undefined) return known;
  const { connect } = loadLance(memoryBytes);
  const session = sessionFor(use, memoryBytes);
  // Among the options: as an argument of its own, which the library's types allow, it is silently left out.
  const connection = connect(uri, {
    readConsistencyInterval: 0,
    session,
    ...(storageOptions === undefined ? {} : { storageOptions }),
  });
  connections.set(key, connection);
  connection.catch(() => connections.delete(key));
  for (const oldest of connections.keys()) {
    if (connections.size <= MAX_CONNECTIONS) break;
    connections.delete(oldest);
  }
  return connection;
}

/** Lets all connections and their caches go, once nobody uses them any more and the garbage is collected. */
export function forgetConnections(): void {
  connections.clear();
  sessions.clear();
}

/** What a table of Lance's hands its calls on to. */
interface NativeTable {
  add(ipcFile: Buffer, mode: 'append'): Promise<unknown>;
}

/** Appends the rows of an Arrow IPC file; `Table.add` would first make one, twice over. */
export async function append(table: LanceModule.Table, ipcFile: Buffer): Promise<void> {
  await (table as unknown as { readonly inner: NativeTable }).inner.add(ipcFile, 'append');
}

/** By their path and not by name: once built, their modules lie in one file, which is loaded in less time and memory. */
function packages(): { readonly lance: () => Lance; readonly arrow: () => Arrow } {
  return require(fileURLToPath(entryPoint('store/lance-packages', 'cjs')));
}

function sessionFor(use: Use, memoryBytes: number): LanceModule.Session {
  const known = sessions.get(use);
  if (known !== undefined) return known;
  const { index, metadata } = CACHES[use];
  const { Session } = loadLance(memoryBytes);
  const session = new Session(cacheBytes(memoryBytes, index), cacheBytes(memoryBytes, metadata));
  sessions.set(use, session);
  return session;
}

type Share = (typeof CACHES)[Use]['index'];

function cacheBytes(memoryBytes: number, { share, least, most }: Share): bigint {
  return BigInt(Math.round(Math.max(least, Math.min(most, memoryBytes * share))));
}

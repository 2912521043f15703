import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Connection, Table } from '@lancedb/lancedb';
import { currentProcess, isRunning, type ProcessIdentity } from '../lock/process-identity.ts';
import { IndexBusyError, LostLockError } from './errors.ts';
import { equals, isIn } from './filter.ts';
import { loadArrow } from './lance.ts';
import type { IndexLock } from './lock.ts';

const TABLE = 'lock';
const HEARTBEAT_MS = 15_000;
/** A holder on another host counts as dead when it has not shown itself for this long. */
const STALE_MS = 90_000;
const ATTEMPTS = 5;
/** Heartbeats are swept together so often. */
const BEATS_KEPT = 20;

type Act = 'claim' | 'beat' | 'withdraw' | 'release' | 'expire';

interface Entry {
  readonly id: string;
  readonly act: Act;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of the claimant, as JSON. */
  readonly holder: string;
}

interface Claim {
  readonly id: string;
  readonly process: ProcessIdentity & { readonly host: string };
  seen: number;
}

/**
 * The single writer's lock in an object store: a log that is only appended to, as a table of its own. A store with
 * conditional PUT gives its commits one order, in which everybody reads the same: the first claim holds the lock until it
 * is released, or until someone who finds its process dead writes that down; the next claim after that holds it.
 */
export class RemoteLock implements IndexLock {
  readonly #table: Table;
  readonly #name: string;
  readonly #claim: Claim;
  readonly #heartbeat: NodeJS.Timeout;
  #lastSeen = Date.now();
  #beats = 0;
  #working: Promise<void> = Promise.resolve();
  #released = false;

  private constructor(table: Table, name: string, claim: Claim) {
    this.#table = table;
    this.#name = name;
    this.#claim = claim;
    this.#heartbeat = setInterval(() => {
      this.#working = this.#working.then(() => this.#beat()).catch(() => {});
    }, HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /**
   * @param name of the index, for messages
   * @throws {IndexBusyError} when a live process holds it
   */
  static async take(connection: Connection, name: string): Promise<RemoteLock> {
    const table = await connection.createEmptyTable(TABLE, schema(), { mode: 'create', existOk: true });
    const me = { ...(await currentProcess()), host: hostname() };
    for (let attempt = 1; ; attempt++) {
      const claim: Claim = { id: randomUUID(), process: me, seen: Date.now() };
      await append(table, claim, 'claim');
      const log = await readLog(table);
      const holder = holderOf(log);
      if (holder?.id === claim.id) {
        await sweep(
          table,
          log.filter(({ id }) => id !== claim.id).map(({ id }) => id),
        );
        return new RemoteLock(table, name, claim);
      }
      await append(table, claim, 'withdraw');
      if (holder === null) continue;
      if (attempt === ATTEMPTS || !(await isDead(holder, me)))
        throw new IndexBusyError(
          name,
          holder.process.pid,
          holder.process.host === me.host ? null : holder.process.host,
        );
      await append(table, holder, 'expire');
    }
  }

  async assertHeld(): Promise<void> {
    if (!this.#hasSlept()) return;
    if (holderOf(await readLog(this.#table))?.id !== this.#claim.id)
      throw new LostLockError(this.#name, undefined);
    this.#lastSeen = Date.now();
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#heartbeat);
    await this.#working;
    await append(this.#table, this.#claim, 'release');
    this.#table.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  #hasSlept(): boolean {
    return Date.now() - this.#lastSeen > STALE_MS / 2;
  }

  async #beat(): Promise<void> {
    if (this.#released) return;
    await append(this.#table, this.#claim, 'beat');
    // After a long sleep that is for `assertHeld` to find out.
    if (!this.#hasSlept()) this.#lastSeen = Date.now();
    if (++this.#beats % BEATS_KEPT === 0)
      await this.#table.delete(`${equals('id', this.#claim.id)} AND ${equals('act', 'beat')}`);
  }
}

/** Removes the table of the lock; only for its holder, who is done. */
export async function dropRemoteLock(connection: Connection): Promise<void> {
  await connection.dropTable(TABLE);
}

function schema() {
  const { Field, Int64, Schema, Utf8 } = loadArrow();
  return new Schema([
    new Field('id', new Utf8(), false),
    new Field('act', new Utf8(), false),
    new Field('at', new Int64(), false),
    new Field('holder', new Utf8(), false),
  ]);
}

async function append(table: Table, claim: Claim, act: Act): Promise<void> {
  const at = BigInt(Date.now());
  await table.add([{ id: claim.id, act, at, holder: JSON.stringify(claim.process) }]);
}

/** In the order of the commits. */
async function readLog(table: Table): Promise<Entry[]> {
  await table.checkoutLatest();
  const rows = await table.query().select(['id', 'act', 'at', 'holder']).toArray();
  return rows.map((row) => ({
    id: String(row.id),
    act: row.act as Act,
    at: Number(row.at),
    holder: String(row.holder),
  }));
}

function holderOf(log: readonly Entry[]): Claim | null {
  let holder: Claim | null = null;
  for (const { id, act, at, holder: process } of log) {
    if (act === 'claim' && holder === null)
      holder = { id, process: JSON.parse(process) as Claim['process'], seen: at };
    else if (holder?.id !== id) continue;
    else if (act === 'beat') holder.seen = at;
    else holder = null;
  }
  return holder;
}

async function isDead(holder: Claim, me: Claim['process']): Promise<boolean> {
  const { process } = holder;
  if (process.host === me.host && process.namespace === me.namespace) return !(await isRunning(process));
  return Date.now() - holder.seen > STALE_MS;
}

/** What is over need not be read by all that come. */
async function sweep(table: Table, ids: readonly string[]): Promise<void> {
  const old = [...new Set(ids)];
  if (old.length > 0) await table.delete(isIn('id', old.slice(0, 500)));
  if (old.length > 1) await table.optimize({ cleanupOlderThan: new Date() });
}

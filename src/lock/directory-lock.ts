import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { currentProcess, isRunning, type ProcessIdentity } from './process-identity.ts';

/**
 * A lock among processes: numbered files in `DIR/lock`, the highest number holds it. A number is created at most
 * once (a hard link to a finished file), and the highest file is never removed, only marked released. So a stale lock
 * needs no removal, which is where lock files race: whoever finds the highest number free makes the next one, and of
 * two takers exactly one succeeds.
 */
const LOCK_DIR = 'lock';
const NUMBERED = /^(\d{10})\.json$/;
const ATTEMPTS = 50;
const HEARTBEAT_MS = 5_000;
/** A holder on another host (or in another container) counts as dead when it has not shown itself for this long. */
const FOREIGN_STALE_MS = 60_000;

interface Holder extends ProcessIdentity {
  host: string;
  released: boolean;
}

export class DirectoryLock implements AsyncDisposable {
  readonly #file: string;
  readonly #holder: Holder;
  readonly #heartbeat: NodeJS.Timeout;
  #released = false;
  #lastSeen = Date.now();

  constructor(file: string, holder: Holder) {
    this.#file = file;
    this.#holder = holder;
    this.#heartbeat = setInterval(() => {
      const now = new Date();
      // Only another host reads the time stamp; one that could not be written is made good by the next.
      utimes(file, now, now).then(
        () => {
          // After a long sleep that is for `assertHeld` to find out.
          if (!this.#hasSlept()) this.#lastSeen = Date.now();
        },
        () => {},
      );
    }, HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /**
   * To be asked before each write. A process that slept for long (the wall clock tells, as it goes on in sleep) looks
   * whether somebody on another host took it for dead.
   * @throws {LockLostError} where somebody did
   */
  async assertHeld(): Promise<void> {
    if (!this.#hasSlept()) return;
    const lockDir = path.dirname(this.#file);
    if (numbered(lockDir, await highest(lockDir)) !== this.#file)
      throw new LockLostError(path.dirname(lockDir));
    this.#lastSeen = Date.now();
  }

  #hasSlept(): boolean {
    return Date.now() - this.#lastSeen > FOREIGN_STALE_MS / 2;
  }

  /** Lets the next one in. Does nothing the second time, nor when the directory is gone. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#heartbeat);
    const draft = `${this.#file}.${randomUUID()}.tmp`;
    try {
      await writeFile(draft, JSON.stringify({ ...this.#holder, released: true }));
      await rename(draft, this.#file);
    } catch (error) {
      // A full disk cannot take the new content, but the file in place can be emptied: not readable is free.
      await rm(draft, { force: true });
      const left = await stat(this.#file).catch(() => null);
      if (left !== null) await writeFile(this.#file, '').catch(() => Promise.reject(error));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** Another process holds the lock by now. */
export class LockLostError extends Error {
  override readonly name = 'LockLostError';

  constructor(dir: string) {
    super(`another process has taken the lock of ${dir}`);
  }
}

/** A live process holds the lock. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError';
  readonly pid: number;
  /** Null for this machine. */
  readonly host: string | null;

  constructor(dir: string, pid: number, host: string | null) {
    super(`process ${pid} holds the lock of ${dir}`);
    this.pid = pid;
    this.host = host;
  }
}

/**
 * Takes the lock of `dir`, which must exist. The caller releases it. Throws what the file system throws, too.
 * @throws {LockHeldError} when a live process holds it
 */
export async function takeLock(dir: string): Promise<DirectoryLock> {
  const lockDir = path.join(dir, LOCK_DIR);
  const me: Holder = { ...(await currentProcess()), host: hostname(), released: false };
  const draft = path.join(lockDir, `${randomUUID()}.tmp`);
  try {
    await mkdir(lockDir, { recursive: true });
    await writeFile(draft, JSON.stringify(me));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const last = await highest(lockDir);
      if (last > 0) await assertFree(dir, numbered(lockDir, last));
      const mine = last + 1;
      const file = numbered(lockDir, mine);
      if (!(await createOnce(draft, file))) continue;
      // A taker that slept since it looked may have made a number that was used and cleaned up meanwhile.
      if ((await highest(lockDir)) !== mine) {
        await rm(file, { force: true });
        continue;
      }
      await removeOlder(lockDir, mine);
      return new DirectoryLock(file, me);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new LockHeldError(dir, me.pid, null);
}

const numbered = (lockDir: string, n: number): string =>
  path.join(lockDir, `${String(n).padStart(10, '0')}.json`);

async function highest(lockDir: string): Promise<number> {
  const numbers = (await readdir(lockDir)).map((entry) => Number(NUMBERED.exec(entry)?.[1] ?? 0));
  return numbers.reduce((a, b) => Math.max(a, b), 0);
}

/** False when the file is there already. */
async function createOnce(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
  }
  // A file system without hard links.
  try {
    await writeFile(file, await readFile(draft), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function assertFree(dir: string, file: string): Promise<void> {
  const holder = await readHolder(file);
  if (holder === null || holder.released) return;
  const me = await currentProcess();
  const sameMachine = holder.host === hostname() && holder.namespace === me.namespace;
  if (sameMachine) {
    if (await isRunning(holder)) throw new LockHeldError(dir, holder.pid, null);
    return;
  }
  const seen = await stat(file).catch(() => null);
  if (seen !== null && Date.now() - seen.mtimeMs < FOREIGN_STALE_MS)
    throw new LockHeldError(dir, holder.pid, holder.host);
}

/** Null when the file is gone or was cut short by a crash of the machine. */
async function readHolder(file: string): Promise<Holder | null> {
  try {
    const holder = JSON.parse(await readFile(file, 'utf8')) as Partial<Holder> | null;
    return typeof holder?.pid === 'number' && typeof holder.host === 'string' ? (holder as Holder) : null;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Keeps one number below the holder's: a taker that looked just before still runs into it. */
async function removeOlder(lockDir: string, mine: number): Promise<void> {
  for (const entry of await readdir(lockDir)) {
    const n = Number(NUMBERED.exec(entry)?.[1] ?? 0);
    if (n > 0 && n < mine - 1) await rm(path.join(lockDir, entry), { force: true });
  }
}

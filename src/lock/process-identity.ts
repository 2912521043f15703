import { readFile, readlink } from 'node:fs/promises';

/** Enough to tell a process from a later one that was given the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot at which it started; null where /proc is missing. */
  startTime: string | null;
  /** The pid namespace (a container has its own); null where /proc is missing. */
  namespace: string | null;
}

/** Field 22 of /proc/PID/stat and the state, counted after the command name, which may hold blanks and brackets. */
async function procStat(pid: number): Promise<{ state: string; startTime: string } | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
  } catch {
    return null;
  }
}

export async function currentProcess(): Promise<ProcessIdentity> {
  const stat = await procStat(process.pid);
  const namespace = await readlink('/proc/self/ns/pid').catch(() => null);
  return { pid: process.pid, startTime: stat?.startTime ?? null, namespace };
}

/** True while that very process lives. A zombie is dead: it runs nothing any more. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  if (identity.startTime === null) return true;
  const stat = await procStat(identity.pid);
  if (stat === null) return process.platform !== 'linux';
  return stat.startTime === identity.startTime && stat.state !== 'Z' && stat.state !== 'X';
}

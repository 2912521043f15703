import { readdirSync } from 'node:fs';
import { childrenBytes } from './child-process.ts';
import { bytesInSystemFile, readSystemFile } from './system-file.ts';

/** Names the process that only started this one with other settings: it belongs to what tidemark takes. */
export const RELAY_VARIABLE = 'TIDEMARK_RELAY_PID';

/** The process that all of tidemark's here are below. */
export function treeRoot(): number {
  return Number(process.env[RELAY_VARIABLE]) === process.ppid ? process.ppid : process.pid;
}

export interface TreeProcess {
  readonly pid: number;
  /** Resident set, bytes. */
  readonly rssBytes: number;
}

/** A process and all below it. Linux only: elsewhere, and where it is gone, empty. */
export function processTree(root: number): TreeProcess[] {
  const tree: TreeProcess[] = [];
  const pending = [root];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    const rssBytes = residentBytes(pid);
    if (rssBytes === null) continue;
    tree.push({ pid, rssBytes });
    pending.push(...children(pid));
  }
  return tree;
}

/**
 * Resident bytes (RSS) of a process and all below it. What processes share counts once for each, so the sum errs on the
 * high side. Off Linux it is this process and what its own children said of themselves last; `root` is not looked at.
 */
export function processTreeBytes(root: number = treeRoot()): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss() + childrenBytes();
  return processTree(root).reduce((sum, { rssBytes }) => sum + rssBytes, 0);
}

/**
 * Proportional set (PSS) of some processes: of what n of them share, each counts an n-th. The kernel walks all their pages
 * for it: some milliseconds for 100 MB. Null where it does not tell.
 */
export function proportionalBytes(pids: readonly number[]): number | null {
  let total = 0;
  for (const pid of pids) {
    const bytes = bytesInSystemFile(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB/m);
    if (bytes === null) return null;
    total += bytes;
  }
  return total;
}

/**
 * Resident bytes of a process that are not pages of files: what starting another one like it takes away from what is free.
 * Null for a process that is gone, and where the kernel does not tell.
 */
export function anonymousBytes(pid: number): number | null {
  return bytesInSystemFile(`/proc/${pid}/status`, /^RssAnon:\s+(\d+) kB/m);
}

/** Null for a process that is gone. */
function residentBytes(pid: number): number | null {
  return bytesInSystemFile(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB/m);
}

/** The kernel lists children with the thread that started them, which may be a worker of somebody who uses the library. */
function children(pid: number): number[] {
  const threads = pid === process.pid ? ownThreads() : [pid];
  return threads.flatMap((thread) => {
    const list = readSystemFile(`/proc/${pid}/task/${thread}/children`);
    return list === null || list === '' ? [] : list.split(' ').map(Number);
  });
}

function ownThreads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    // No file descriptor left, or a sandbox: what the first thread has started is seen all the same.
    return [process.pid];
  }
}

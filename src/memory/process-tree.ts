import { readFileSync } from 'node:fs';

/** Names the process that only started this one with other settings: it belongs to what tidemark takes. */
export const RELAY_VARIABLE = 'TIDEMARK_RELAY_PID';

function treeRoot(): number {
  return Number(process.env[RELAY_VARIABLE]) === process.ppid ? process.ppid : process.pid;
}

/**
 * Resident bytes (RSS) of a process and all below it, in bytes. What processes share counts once for each, so the sum
 * errs on the high side. Off Linux only this process can be seen cheaply, and `root` is not looked at.
 */
export function processTreeBytes(root: number = treeRoot()): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss();
  let total = 0;
  const pending = [root];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    total += residentBytes(pid);
    pending.push(...children(pid));
  }
  return total;
}

function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '');
  return line === null ? 0 : Number(line[1]) * 1024;
}

/** Node starts all its children from its main thread, and the kernel lists them there. */
function children(pid: number): number[] {
  const list = read(`/proc/${pid}/task/${pid}/children`)?.trim();
  return list === undefined || list === '' ? [] : list.split(' ').map(Number);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

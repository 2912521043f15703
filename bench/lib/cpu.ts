import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/**
 * CPU seconds (all threads, user and system) of the child processes that have ended, and of theirs. The difference over
 * one child's life is that child's. NaN off Linux.
 */
export function endedChildrenCpuSeconds(): number {
  // cutime and cstime are the 16th and 17th field.
  return process.platform === 'linux' ? statSeconds('self', 16) : Number.NaN;
}

/** CPU seconds of a process that runs, all threads, without its children. NaN for one that is gone, and off Linux. */
export function cpuSecondsOf(pid: number): number {
  try {
    return statSeconds(pid, 14);
  } catch {
    return Number.NaN;
  }
}

/** The sum of a field of `/proc/PID/stat`, counted from 1, and the next one. */
function statSeconds(pid: number | 'self', field: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in brackets, the second field, may itself hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[field - 3]) + Number(fields[field - 2])) / TICKS_PER_SECOND;
}

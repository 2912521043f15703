import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { MemorystatusLevel } from './memorystatus.ts';
import { bytesInSystemFile, readSystemFile } from './system-file.ts';

/** Version 1 writes no limit as a number near 2^63. */
const UNLIMITED = 2 ** 60;

const memorystatus = new MemorystatusLevel();

/** What the machine, or the container around this process, allows. */
export interface MachineLimits {
  /** Bytes that this process tree may hold at most: the smaller of memory and cgroup limit. */
  readonly limitBytes: number;
  /** Bytes that are free to take now. */
  readonly availableBytes: number;
  /** Where `limitBytes` comes from. */
  readonly source: 'machine' | 'cgroup';
  readonly cores: number;
}

/**
 * Reads the limits; never throws, what cannot be read does not bound.
 * @param system where `proc` and `sys` are
 */
export function machineLimits(system = '/'): MachineLimits {
  const total = totalmem();
  const cgroup = cgroupLimit(system);
  const available = availableMemory(system);
  const limited = cgroup !== null && cgroup.limit < total;
  return {
    limitBytes: limited ? cgroup.limit : total,
    availableBytes: limited ? Math.min(available, Math.max(0, cgroup.room)) : available,
    source: limited ? 'cgroup' : 'machine',
    cores: availableParallelism(),
  };
}

function availableMemory(system: string): number {
  const bytes = bytesInSystemFile(join(system, 'proc/meminfo'), /^MemAvailable:\s+(\d+) kB/m);
  if (bytes !== null) return bytes;
  if (process.platform !== 'darwin') return freemem();
  // There Node counts only pages that hold nothing at all, of which a healthy machine has few.
  return (totalmem() * (memorystatus.percent() ?? 100)) / 100;
}

/** On the way up from this process's cgroup, version 2 or 1, the smallest limit, and the least room below any. */
function cgroupLimit(system: string): { limit: number; room: number } | null {
  const { v1, v2 } = ownCgroups(system);
  const mount = join(system, CGROUPS);
  const found = [
    ...(v2 === undefined ? [] : limitsAbove(mount, v2, V2)),
    ...(v1 === undefined ? [] : limitsAbove(join(mount, 'memory'), v1, V1)),
  ];
  if (found.length === 0) return null;
  return {
    limit: Math.min(...found.map(({ limit }) => limit)),
    room: Math.min(...found.map(({ limit, used }) => limit - used)),
  };
}

const CGROUPS = 'sys/fs/cgroup';

function ownCgroups(system: string): { v1: string | undefined; v2: string | undefined } {
  const own = readSystemFile(join(system, 'proc/self/cgroup')) ?? '';
  return {
    v1: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(own)?.[1],
    v2: /^0::(.*)$/m.exec(own)?.[1],
  };
}

/** What the kernel tells of the stalls for lack of memory: of the machine, and of the container where it has its own. */
export function memoryPressure(system = '/'): string[] {
  const { v2 } = ownCgroups(system);
  const files = [
    join(system, 'proc/pressure/memory'),
    ...(v2 === undefined ? [] : [join(system, CGROUPS, v2, 'memory.pressure')]),
  ];
  return files.flatMap((file) => readSystemFile(file) ?? []);
}

interface CgroupFiles {
  /** Beyond any of them the kernel kills, or holds the process back until it makes room. */
  readonly limits: readonly string[];
  readonly used: string;
  /** What of `used` the kernel gives up before it kills: pages of files, and names and inodes, as memory.stat has them. */
  readonly cache: RegExp;
}
const V1: CgroupFiles = {
  limits: ['memory.limit_in_bytes'],
  used: 'memory.usage_in_bytes',
  cache: /^total_(?:in)?active_file (\d+)$/gm,
};
const V2: CgroupFiles = {
  limits: ['memory.max', 'memory.high'],
  used: 'memory.current',
  cache: /^(?:(?:in)?active_file|slab_reclaimable) (\d+)$/gm,
};

function limitsAbove(mount: string, path: string, files: CgroupFiles) {
  const found: { limit: number; used: number }[] = [];
  for (let at = path; ; at = dirname(at)) {
    const limits = files.limits
      .map((file) => Number(readSystemFile(join(mount, at, file)) ?? 'max'))
      .filter((bytes) => bytes > 0 && bytes < UNLIMITED);
    if (limits.length > 0) {
      const limit = Math.min(...limits);
      const used = Number(readSystemFile(join(mount, at, files.used)) ?? 0) || 0;
      const stat = readSystemFile(join(mount, at, 'memory.stat')) ?? '';
      const cache = [...stat.matchAll(files.cache)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
      found.push({ limit, used: Math.max(0, used - cache) });
    }
    if (at === '/' || at === '.') return found;
  }
}

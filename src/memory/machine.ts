import { readFileSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/** Version 1 writes no limit as a number near 2^63. */
const UNLIMITED = 2 ** 60;

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

/** Reads the limits; never throws, what cannot be read does not bound. */
export function machineLimits(): MachineLimits {
  const total = totalmem();
  const cgroup = cgroupLimit();
  const available = availableMemory();
  const limited = cgroup !== null && cgroup.limit < total;
  return {
    limitBytes: limited ? cgroup.limit : total,
    availableBytes: limited ? Math.min(available, Math.max(0, cgroup.limit - cgroup.used)) : available,
    source: limited ? 'cgroup' : 'machine',
    cores: availableParallelism(),
  };
}

function availableMemory(): number {
  const line = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '');
  return line === null ? freemem() : Number(line[1]) * 1024;
}

/** The tightest memory limit on the way up from this process's cgroup, version 2 or 1. */
function cgroupLimit(): { limit: number; used: number } | null {
  const own = read('/proc/self/cgroup') ?? '';
  const v2 = /^0::(.*)$/m.exec(own)?.[1];
  const v1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(own)?.[1];
  const found = [
    ...(v2 === undefined ? [] : tightest('/sys/fs/cgroup', v2, V2)),
    ...(v1 === undefined ? [] : tightest('/sys/fs/cgroup/memory', v1, V1)),
  ];
  return found.reduce<{ limit: number; used: number } | null>(
    (best, next) => (best === null || next.limit < best.limit ? next : best),
    null,
  );
}

interface CgroupFiles {
  readonly limit: string;
  readonly used: string;
  /** What of `used` the kernel gives up before it kills: pages of files, as memory.stat names them. */
  readonly cache: RegExp;
}
const V1: CgroupFiles = {
  limit: 'memory.limit_in_bytes',
  used: 'memory.usage_in_bytes',
  cache: /^total_(?:in)?active_file (\d+)$/gm,
};
const V2: CgroupFiles = {
  limit: 'memory.max',
  used: 'memory.current',
  cache: /^(?:in)?active_file (\d+)$/gm,
};

function tightest(mount: string, path: string, files: CgroupFiles) {
  const found: { limit: number; used: number }[] = [];
  for (let at = path; ; at = dirname(at)) {
    const limit = Number(read(join(mount, at, files.limit)) ?? 'max');
    if (Number.isFinite(limit) && limit > 0 && limit < UNLIMITED) {
      const used = Number(read(join(mount, at, files.used)) ?? 0) || 0;
      const stat = read(join(mount, at, 'memory.stat')) ?? '';
      const cache = [...stat.matchAll(files.cache)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
      found.push({ limit, used: Math.max(0, used - cache) });
    }
    if (at === '/' || at === '.') return found;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

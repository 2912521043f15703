import { readFileSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

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
    ...(v2 === undefined ? [] : tightest('/sys/fs/cgroup', v2, 'memory.max', 'memory.current')),
    ...(v1 === undefined
      ? []
      : tightest('/sys/fs/cgroup/memory', v1, 'memory.limit_in_bytes', 'memory.usage_in_bytes')),
  ];
  return found.reduce<{ limit: number; used: number } | null>(
    (best, next) => (best === null || next.limit < best.limit ? next : best),
    null,
  );
}

function tightest(mount: string, path: string, limitFile: string, usedFile: string) {
  const found: { limit: number; used: number }[] = [];
  for (let at = path; ; at = dirname(at)) {
    const limit = Number(read(join(mount, at, limitFile)) ?? 'max');
    if (Number.isFinite(limit) && limit > 0) {
      found.push({ limit, used: Number(read(join(mount, at, usedFile)) ?? 0) || 0 });
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

import { execFile, execFileSync } from 'node:child_process';

const SYSCTL = ['/usr/sbin/sysctl', '-n', 'kern.memorystatus_level'] as const;
const LIMITS = { timeout: 1000, maxBuffer: 1000 };

/**
 * How much of its memory macOS can still give, as the kernel reckons it when it decides whom to kill: pages that are free, and
 * those of files. Node has no way to ask for it but to start a process, which takes some milliseconds. Source: xnu,
 * bsd/kern/kern_memorystatus.c; .NET's garbage collector goes by the same figure.
 */
export class MemorystatusLevel {
  readonly #command: readonly string[];
  readonly #everyMs: number;
  #percent: number | null = null;
  #readAt = Number.NEGATIVE_INFINITY;

  /** @param everyMs how old a reading may be before the next one is started */
  constructor(command: readonly string[] = SYSCTL, everyMs = 2000) {
    this.#command = command;
    this.#everyMs = everyMs;
  }

  /** The last reading, 1 to 100; null where the kernel does not tell. Only the first call waits for one. */
  percent(now = performance.now()): number | null {
    const first = this.#readAt === Number.NEGATIVE_INFINITY;
    if (now - this.#readAt >= this.#everyMs) {
      this.#readAt = now;
      if (first) this.#percent = this.#read();
      else this.#refresh();
    }
    return this.#percent;
  }

  #read(): number | null {
    const [file, ...args] = this.#command;
    try {
      return percentIn(execFileSync(file!, args, { ...LIMITS, encoding: 'utf8', stdio: 'pipe' }));
    } catch {
      return null;
    }
  }

  #refresh(): void {
    const [file, ...args] = this.#command;
    try {
      execFile(file!, args, LIMITS, (error, stdout) => {
        this.#percent = error === null ? percentIn(stdout) : null;
      });
    } catch {
      // Without memory for another process node throws; the last reading holds until one can be started.
    }
  }
}

function percentIn(output: string): number | null {
  const percent = Number(output);
  return percent > 0 && percent <= 100 ? percent : null;
}

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const V1 = '/sys/fs/cgroup/memory';
const V2 = '/sys/fs/cgroup';

/** A control group with a limit of memory, made here and removed by its owner. Needs root. */
export class Cgroup implements Disposable {
  readonly #dir: string;
  readonly #old: boolean;

  constructor(name: string, limitBytes: number) {
    this.#old = existsSync(join(V1, 'memory.limit_in_bytes'));
    this.#dir = join(this.#old ? V1 : V2, name);
    mkdirSync(this.#dir, { recursive: true });
    this.#write(this.#old ? 'memory.limit_in_bytes' : 'memory.max', limitBytes);
    // Without this what is over the limit goes to the swap, and nothing is killed.
    const swap = this.#old ? 'memory.memsw.limit_in_bytes' : 'memory.swap.max';
    if (existsSync(join(this.#dir, swap))) this.#write(swap, this.#old ? limitBytes : 0);
  }

  /** Starts what follows in the group. */
  get wrapper(): string[] {
    return ['sh', '-c', `echo $$ > '${join(this.#dir, 'cgroup.procs')}' && exec "$@"`, 'sh'];
  }

  /** Processes that the kernel has killed for lack of memory. */
  get kills(): number {
    const text = readFileSync(join(this.#dir, this.#old ? 'memory.oom_control' : 'memory.events'), 'utf8');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
  }

  /** The most that was charged to the group, pages of files included, bytes; null where the kernel does not tell. */
  get peakBytes(): number | null {
    const file = join(this.#dir, this.#old ? 'memory.max_usage_in_bytes' : 'memory.peak');
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : null;
  }

  [Symbol.dispose](): void {
    rmdirSync(this.#dir);
  }

  #write(file: string, value: number): void {
    writeFileSync(join(this.#dir, file), String(value));
  }
}

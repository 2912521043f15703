import { processTree, processTreeBytes, proportionalBytes, treeRoot } from './process-tree.ts';

/** What is shared changes slowly, and asking for it takes some milliseconds for each process. */
const SHARED_EVERY_MS = 30_000;

/**
 * Tells what the process tree takes, for little: resident sets added up, less what the processes share, which the kernel
 * is asked for only near the mark and now and then. Elsewhere than on Linux it is the sum alone.
 */
export class TreeMeter {
  #sharedBytes = 0;
  #sharedAt = Number.NEGATIVE_INFINITY;
  #processes = '';
  /** How often what it tells made a step of its own: another process, or another share of common pages. */
  jumps = 0;

  /**
   * Bytes now, at `now` milliseconds. Below `nearBytes` the sum, which errs on the high side, is good enough.
   */
  read(nearBytes: number, now: number): number {
    if (process.platform !== 'linux') return processTreeBytes();
    const tree = processTree(treeRoot());
    const sum = tree.reduce((total, { rssBytes }) => total + rssBytes, 0);
    const pids = tree.map(({ pid }) => pid);
    const processes = pids.join();
    const changed = processes !== this.#processes;
    this.#processes = processes;
    if (changed) {
      this.jumps++;
      this.#sharedBytes = 0;
      this.#sharedAt = Number.NEGATIVE_INFINITY;
    }
    if (tree.length === 1) return sum;
    if (sum > nearBytes && now - this.#sharedAt > SHARED_EVERY_MS) {
      const proportional = proportionalBytes(pids);
      this.jumps++;
      this.#sharedBytes = proportional === null ? 0 : Math.max(0, sum - proportional);
      this.#sharedAt = now;
    }
    return sum - this.#sharedBytes;
  }
}

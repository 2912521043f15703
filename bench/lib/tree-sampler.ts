import { processTree, proportionalBytes } from '../../src/memory/process-tree.ts';
import { cpuSecondsOf } from './cpu.ts';

/** Bytes of a process and all below it, seconds after the first sample. */
export interface TreeSample {
  readonly seconds: number;
  /** Resident sets added up: what processes share counts for each. */
  readonly rss: number;
  /** What they share counted once (PSS), by the share of the last time that it was asked for. */
  readonly pss: number;
  /** Resident set of the process that does the indexing; the rest of `rss` is its children and what started it. */
  readonly parent: number;
  /** CPU seconds that the process that does the indexing has taken. */
  readonly cpu: number;
}

const INTERVAL_MS = 100;
/** The kernel walks all pages to tell what is shared, so it is asked more seldom. */
const SHARED_EVERY_MS = 1000;

/** Samples a tree of processes from outside. */
export class TreeSampler {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  readonly #started = performance.now();
  readonly #take: (sample: TreeSample) => void;
  #shared = 0;
  #sharedAt = Number.NEGATIVE_INFINITY;
  #processes = '';

  constructor(pid: number, take: (sample: TreeSample) => void) {
    this.#pid = pid;
    this.#take = take;
    this.#timer = setInterval(() => this.#sample(), INTERVAL_MS);
  }

  #sample(): void {
    const now = performance.now();
    const tree = processTree(this.#pid);
    const rss = tree.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    if (rss === 0) return;
    const processes = tree.map(({ pid }) => pid).join();
    if (now - this.#sharedAt > SHARED_EVERY_MS || processes !== this.#processes) {
      const pss = proportionalBytes(tree.map(({ pid }) => pid));
      this.#shared = pss === null ? 0 : Math.max(0, rss - pss);
      this.#sharedAt = now;
      this.#processes = processes;
    }
    // The first process only starts the one that works.
    const { pid, rssBytes: parent } = (tree[1] ?? tree[0])!;
    const cpu = cpuSecondsOf(pid);
    this.#take({ seconds: (now - this.#started) / 1000, rss, pss: rss - this.#shared, parent, cpu });
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

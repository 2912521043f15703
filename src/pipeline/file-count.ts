import { LinkedAbort } from '../memory/linked-abort.ts';
import { walk } from '../walk/walk.ts';

/** Walks ahead to count the files of a tree, for an estimate of the time left. */
export class FileCount {
  /** Null until all are counted. */
  total: number | null = null;
  readonly #stop: LinkedAbort;
  readonly #done: Promise<void>;

  /** @param exclude absolute paths that are not walked */
  constructor(root: string, exclude: readonly string[], signal: AbortSignal) {
    this.#stop = new LinkedAbort(signal);
    this.#done = this.#count(root, exclude, this.#stop.signal);
  }

  async #count(root: string, exclude: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      let files = 0;
      for await (const _ of walk(root, { exclude, signal })) files++;
      this.total = files;
    } catch {
      // The lane itself reports what is wrong; here it only means that the total stays unknown.
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}

import { processTreeBytes } from './process-tree.ts';

/** Remembers the highest resident set of the process tree while it runs. Owned by one operation, which stops it. */
export class PeakSampler implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #peak = 0;
  #last = 0;

  constructor(intervalMs = 200) {
    this.sample();
    this.#timer = setInterval(() => this.sample(), intervalMs);
    this.#timer.unref();
  }

  /** Takes a sample now and returns it, bytes. */
  sample(): number {
    this.#last = processTreeBytes();
    this.#peak = Math.max(this.#peak, this.#last);
    return this.#last;
  }

  get lastBytes(): number {
    return this.#last;
  }

  get peakBytes(): number {
    return this.#peak;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

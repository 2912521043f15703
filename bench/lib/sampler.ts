import { processTreeBytes } from '../../src/memory/process-tree.ts';

/** Samples the resident set of another process and all below it, from outside. */
export class OutsideSampler {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  readonly #started = performance.now();
  peakBytes = 0;
  /** The last sample. */
  bytes = 0;
  /** One point a second: seconds since the start, bytes. */
  readonly curve: [number, number][] = [];

  constructor(pid: number, intervalMs = 100) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#sample(), intervalMs);
  }

  #sample(): void {
    const bytes = processTreeBytes(this.#pid);
    this.bytes = bytes;
    this.peakBytes = Math.max(this.peakBytes, bytes);
    const second = Math.floor((performance.now() - this.#started) / 1000);
    const last = this.curve.at(-1);
    if (last === undefined || last[0] !== second) this.curve.push([second, bytes]);
    else last[1] = Math.max(last[1], bytes);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

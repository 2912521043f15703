import { EXIT } from './exit-codes.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C arrives twice: from the terminal, and passed on by the process that started this one. */
const SAME_KEY_MS = 500;

/**
 * Turns the signals that ask a process to end into an abort; a second one ends it at once, which loses nothing but
 * the work in hand. So does the end of the process that started this one, which would leave it running unseen.
 */
export class Interrupt implements Disposable {
  readonly #stop = new AbortController();
  readonly #atOnce: () => void;
  #since = 0;

  /** @param atOnce called before the process ends at once */
  constructor(atOnce: () => void) {
    this.#atOnce = atOnce;
    for (const signal of SIGNALS) process.on(signal, this.#interrupt);
    if (process.connected) process.on('disconnect', this.#interrupt);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  readonly #interrupt = (): void => {
    const now = performance.now();
    if (!this.#stop.signal.aborted) {
      this.#since = now;
      this.#stop.abort();
    } else if (now - this.#since > SAME_KEY_MS) {
      this.#atOnce();
      process.exit(EXIT.failed);
    }
  };

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#interrupt);
    process.off('disconnect', this.#interrupt);
  }
}

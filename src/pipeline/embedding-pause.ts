import { setTimeout as sleep } from 'node:timers/promises';
import type { Embedder } from '../embed/embedder.ts';
import { abortable } from '../memory/abortable.ts';
import type { Governor, Lever } from '../memory/governor.ts';

const LOOK_EVERY_MS = 100;
/** A pause ends when there is room to spare, or after so long where there is just enough. */
const LEAST_PAUSE_MS = 10_000;
/** It begins anew when memory is short as often as this in a row. */
const SHORT_LOOKS = 5;

export interface EmbeddingPauseOptions {
  readonly embedder: Embedder;
  readonly governor: Governor;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Called where memory stays too short to go on. */
  readonly giveUp: () => void;
}

/**
 * The last thing that gives memory back while there is something to embed: no process holds the model. They end at once, as
 * whoever takes the memory does not wait for a batch; it is embedded anew when the pause is over.
 */
export class EmbeddingPause {
  readonly #options: EmbeddingPauseOptions;
  #since: number | null = null;
  #waiting: Promise<void> | null = null;

  constructor(options: EmbeddingPauseOptions) {
    this.#options = options;
  }

  get lever(): Lever {
    return {
      step: 'embedding-paused',
      down: () => {
        this.#since = performance.now();
        this.#waiting ??= this.#wait();
        return this.#options.embedder.suspend();
      },
      up: () => {
        this.#since = null;
      },
      upBytes: () => this.#options.embedder.neededBytes,
    };
  }

  async #wait(): Promise<void> {
    const { embedder, governor, giveUp } = this.#options;
    try {
      while (this.#since !== null) {
        if (!(await this.#room())) {
          giveUp();
          return;
        }
        await embedder.resume();
        await governor.expecting(embedder.warmUp());
        await this.#shortAgain();
        if (this.#since === null) return;
        this.#since = performance.now();
        await embedder.suspend();
      }
    } catch {
      // The lane has been left.
    } finally {
      this.#waiting = null;
      // Nothing is in hand, or the lever is let go.
      await embedder.resume();
    }
  }

  /** Waits for the end of the pause; false where memory stays too short. Rejects with the signal's reason. */
  async #room(): Promise<boolean> {
    const { embedder, governor, signal } = this.#options;
    // A process is of no use without room for all of its model.
    const wanted = { bytes: embedder.neededBytes, ended: () => this.#since === null };
    for (;;) {
      if (!(await governor.patience(signal, wanted))) return false;
      if (this.#since === null || performance.now() - this.#since > LEAST_PAUSE_MS) return true;
      await abortable(sleep(LOOK_EVERY_MS), signal);
    }
  }

  /** Waits until memory is short again, and not for a moment only, or the lever is let go. */
  async #shortAgain(): Promise<void> {
    const { governor, signal } = this.#options;
    for (let looks = 0; looks < SHORT_LOOKS && this.#since !== null; ) {
      await abortable(sleep(LOOK_EVERY_MS), signal);
      looks = governor.tight ? looks + 1 : 0;
    }
  }
}

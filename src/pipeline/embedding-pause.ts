import { setTimeout as sleep } from 'node:timers/promises';
import type { Embedder } from '../embed/embedder.ts';
import { abortable } from '../memory/abortable.ts';
import type { Governor, Lever } from '../memory/governor.ts';

const LOOK_EVERY_MS = 100;
/** A pause ends when there is room to spare, or after so long where there is just enough. */
const LEAST_PAUSE_MS = 10_000;

/** The last thing that gives memory back while there is something to embed: no process holds the model. */
export class EmbeddingPause {
  readonly #embedder: Embedder;
  readonly #governor: Governor;
  #since: number | null = null;

  constructor(embedder: Embedder, governor: Governor) {
    this.#embedder = embedder;
    this.#governor = governor;
  }

  get lever(): Lever {
    return {
      step: 'embedding-paused',
      down: () => {
        this.#since = performance.now();
      },
      up: () => {
        this.#since = null;
      },
    };
  }

  /**
   * Waits for the end of a pause, where there is one; for whoever has no text in hand. False where memory stays too short.
   * Rejects with the signal's reason.
   */
  async end(signal: AbortSignal): Promise<boolean> {
    if (this.#isOver()) return true;
    // The processes hold memory for nothing, and start again with the next text.
    await this.#embedder.recycle();
    while (!this.#isOver()) {
      if (!(await this.#governor.patience(signal, () => this.#since === null))) return false;
      await abortable(sleep(LOOK_EVERY_MS), signal);
    }
    return true;
  }

  #isOver(): boolean {
    if (this.#since === null) return true;
    return !this.#governor.tight && performance.now() - this.#since > LEAST_PAUSE_MS;
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Embedder } from '../embed/embedder.ts';
import { abortable } from '../memory/abortable.ts';
import type { Governor, Lever } from '../memory/governor.ts';

const LOOK_EVERY_MS = 100;
/** A pause ends when there is room to spare, or after so long where there is just enough. */
const LEAST_PAUSE_MS = 10_000;
/** It begins anew when memory is short as often as this in a row. */
const SHORT_LOOKS = 5;
/** Where it begins anew so soon so many times in a row, there is just enough memory to load the model, and none to use it. */
const SHORT_LIVED = { ms: 20_000, most: 3 };

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
  #resumedAt = Number.NEGATIVE_INFINITY;
  #shortLived = 0;

  constructor(options: EmbeddingPauseOptions) {
    this.#options = options;
  }

  get lever(): Lever {
    const { embedder } = this.#options;
    return {
      step: 'embedding-paused',
      down: () => this.#begin(),
      up: () => {
        this.#since = null;
      },
      // Where the pause is over without it, the model is there again.
      upBytes: () => (embedder.isSuspended ? embedder.neededBytes : 0),
    };
  }

  #begin(): Promise<void> {
    const now = performance.now();
    this.#shortLived = now - this.#resumedAt < SHORT_LIVED.ms ? this.#shortLived + 1 : 0;
    this.#since = now;
    this.#waiting ??= this.#wait();
    return this.#options.embedder.suspend();
  }

  async #wait(): Promise<void> {
    const { embedder, governor, giveUp } = this.#options;
    try {
      while (this.#since !== null) {
        if (!(await this.#room())) {
          giveUp();
          return;
        }
        const since = this.#since;
        this.#resumedAt = performance.now();
        embedder.resume();
        void governor.expecting(embedder.warmUp());
        if (since === null) return;
        // The governor has nothing left to do, so it is seen from here whether that is too much.
        await this.#shortAgain(since);
        if (this.#since === since) await this.#begin();
      }
    } catch {
      // The lane has been left.
    } finally {
      this.#waiting = null;
      // Nothing is in hand, or the lever is let go.
      embedder.resume();
    }
  }

  /** Waits for the end of the pause; false where memory stays too short. Rejects with the signal's reason. */
  async #room(): Promise<boolean> {
    const { embedder, governor, signal } = this.#options;
    // A process is of no use without room for all of its model.
    const wanted = { bytes: embedder.neededBytes, ended: () => this.#since === null };
    for (;;) {
      const there = this.#shortLived < SHORT_LIVED.most && (await governor.patience(signal, wanted));
      if (!there && embedder.isAwaited) return false;
      if (this.#since === null) return true;
      if (there && performance.now() - this.#since > LEAST_PAUSE_MS) return true;
      await abortable(sleep(LOOK_EVERY_MS), signal);
    }
  }

  /** Waits until memory is short again, and not for a moment only, or the lever is moved. */
  async #shortAgain(since: number): Promise<void> {
    const { governor, signal } = this.#options;
    for (let looks = 0; looks < SHORT_LOOKS; ) {
      await abortable(sleep(LOOK_EVERY_MS), signal);
      if (this.#since !== since) return;
      looks = governor.tight ? looks + 1 : 0;
    }
  }
}

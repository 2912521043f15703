const FIRST_MS = 1000;

/**
 * When the next commit is due: a second after the start, then after twice as long each time, so that what is finished
 * can be searched soon and later commits are fewer and fatter. Each of them adds to a list that all later ones carry.
 */
export class CommitClock {
  readonly #mostMs: number;
  readonly #now: () => number;
  #waitMs = FIRST_MS;
  #last: number;

  /** @param mostMs and so what a kill may cost beside what is in hand */
  constructor(mostMs: number, now = () => performance.now()) {
    this.#mostMs = mostMs;
    this.#now = now;
    this.#last = now();
  }

  get due(): boolean {
    return this.#now() - this.#last > this.#waitMs;
  }

  /** Tells of a commit, due or not. */
  committed(): void {
    if (this.due) this.#waitMs = Math.min(this.#mostMs, 2 * this.#waitMs);
    this.#last = this.#now();
  }
}

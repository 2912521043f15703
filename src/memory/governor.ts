import { setTimeout as sleep } from 'node:timers/promises';
import { abortable } from './abortable.ts';
import { collectGarbage } from './collect-garbage.ts';
import { outsideBytes } from './pressure.ts';
import { TreeMeter } from './tree-meter.ts';

/** What can be done to take less memory. */
export type MemoryStep =
  | 'smaller-batches'
  | 'fewer-in-flight'
  | 'parser-recycled'
  | 'fewer-parsers'
  | 'embedder-recycled'
  | 'fewer-embedders'
  | 'embedding-paused';

/** A way to take less memory, at some cost. */
export interface Lever {
  readonly step: MemoryStep;
  readonly down: () => void | Promise<void>;
  /** Takes it back. Without it the step is one that passes, such as a process that is started anew. */
  readonly up?: () => void | Promise<void>;
  /** Bytes that taking it back takes at once. */
  readonly upBytes?: () => number;
  /**
   * It gives back no more than what was grown by, and takes most of that again. Where others take the memory it is skipped,
   * as they would have it first.
   */
  readonly onlyGrowth?: boolean;
}

/** A lever that was pulled, or let go again (`up`). */
export interface GovernorStep {
  readonly direction: 'down' | 'up';
  readonly step: MemoryStep;
  /** For people: how much was taken of what. */
  readonly reason: string;
}

export interface GovernorOptions {
  /** The mark: what the process tree may take, bytes. */
  readonly budgetBytes: number;
  readonly onStep: (step: GovernorStep) => void;
  /** What the process tree takes now, bytes; by default the kernel is asked. */
  readonly read?: () => number;
  /** What others leave: the mark is no higher than what is taken and this together. By default the machine is asked. */
  readonly roomOutside?: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly clock?: () => number;
}

interface Sample {
  readonly time: number;
  readonly bytes: number;
}

const TICK_MS = 100;
/** Below so much of the budget it is others who have what is missing, and not what this tree itself takes. */
const OTHERS_SHARE = 0.9;
/** Shares of the mark. Above `high`, or about to be above `most`, something has to give; below `low` there is room. */
const SHARE = { high: 0.9, most: 0.97, low: 0.72 };
/** Looks so far ahead along the slope of the last samples. */
const AHEAD_MS = 500;
const SAMPLES = 8;
const OUTSIDE_EVERY_MS = { usual: 500, near: 200 };
/** Below so many times the budget, what others leave is near. */
const NEAR_TIMES = 1.5;
/** Looks so far ahead along what others took in the last samples: what is to be given up goes in some seconds at most. */
const OUTSIDE = { aheadMs: 2000, backMs: 1500, leastMs: 500 };
/** That others go on as they did is taken for granted for so much of the budget. */
const OUTSIDE_SHARE = 0.5;
/** A step needs some time to show, once its work is done; work that takes very long holds no other step back. */
const SETTLE_MS = 700;
const MAX_WORK_MS = 5000;
const COLLECT_EVERY_MS = 3000;
/** Calm for so long before a step is taken back; twice as long each time that proves too early. */
const CALM_MS = { least: 5000, most: 80_000 };
/** A passing step is made again no sooner; twice as long each time. */
const AGAIN_MS = { least: 10_000, most: 160_000 };
/**
 * Work that waits for room goes on after so long all the same: what is taken here may not fall by waiting. What others
 * take may.
 */
const MAX_WAIT_MS = { own: 3000, others: 30_000 };
/** Work that takes much more memory than what runs now waits longer, and is left for later where there is no room even then. */
const MAX_PATIENCE_MS = { own: 15_000, others: 120_000 };
/** After a wait that brought nothing the next one is no sooner than so many times as long. */
const BETWEEN_WAITS = 10;

/**
 * Keeps the process tree below the mark: samples what it takes and where that is going, and pulls the levers of the
 * stage that is at work one after the other, before the mark is reached. Takes back what can be taken back when there is room.
 */
export class Governor implements Disposable {
  readonly #options: GovernorOptions;
  readonly #meter = new TreeMeter();
  readonly #timer: NodeJS.Timeout;
  readonly #samples: Sample[] = [];
  /** What others leave to this tree, with what it has. */
  readonly #left: Sample[] = [];
  #jumps = 0;
  #levers: readonly Lever[] = [];
  /** The first so many levers are pulled. */
  #pulled = 0;
  #mark: number;
  #peak = 0;
  #outsideAt = Number.NEGATIVE_INFINITY;
  #collectedAt = Number.NEGATIVE_INFINITY;
  /** When something was last done, and when a lever was last pulled. */
  #stepAt = Number.NEGATIVE_INFINITY;
  #pulledAt = Number.NEGATIVE_INFINITY;
  #calmSince = Number.POSITIVE_INFINITY;
  #upAt = Number.NEGATIVE_INFINITY;
  #calmMs = CALM_MS.least;
  #againMs = AGAIN_MS.least;
  #work: Promise<unknown> = Promise.resolve();
  /** How many steps are at work. */
  #working = 0;
  /** How much work is known to take memory at once. */
  #expected = 0;
  #now = 0;
  #waitAgainAt = 0;
  #ended = false;

  constructor(options: GovernorOptions) {
    this.#options = options;
    this.#mark = options.budgetBytes;
    const clock = options.clock ?? (() => performance.now());
    this.tick(clock());
    this.#timer = setInterval(() => this.tick(clock()), TICK_MS);
    this.#timer.unref();
  }

  /** The most that was seen, bytes. */
  get peakBytes(): number {
    return this.#peak;
  }

  /** Bytes, as of the last look. */
  get #taken(): number {
    return this.#samples.at(-1)!.bytes;
  }

  /** Too close to the mark for more work: what can wait should. */
  get tight(): boolean {
    const last = this.#taken;
    return last > this.#mark * SHARE.high || this.#projected() > this.#mark * SHARE.most;
  }

  /**
   * Whether there is room for so many bytes more. What the tree has grown to under its own mark it may grow to again; what
   * others have taken is not there.
   */
  fits(bytes: number): boolean {
    if (this.tight) return false;
    return !this.#othersTake || this.#taken + bytes <= this.#mark * SHARE.high;
  }

  /** Waits for work that takes its memory at once, and for which there is room: its slope is not one that goes on. */
  async expecting(work: Promise<unknown>): Promise<void> {
    this.#expected++;
    try {
      await work;
    } finally {
      this.#expected--;
      this.#samples.splice(0, this.#samples.length - 1);
      this.#left.length = 0;
    }
  }

  /** The levers of the stage that begins, the mildest first. At its end all are let go (`using`): the next one has its own. */
  govern(levers: readonly Lever[]): Disposable {
    this.#levers = levers;
    this.#pulled = 0;
    return {
      [Symbol.dispose]: () => {
        if (this.#levers !== levers) return;
        for (const { step, up } of levers.slice(0, this.#pulled).reverse()) {
          if (up === undefined) continue;
          this.#options.onStep({ direction: 'up', step, reason: 'its stage has ended' });
          this.#begin(up, this.#work);
        }
        this.#levers = [];
        this.#pulled = 0;
      },
    };
  }

  /** Waits while it is too tight for more work, for a while at most. Rejects with the signal's reason. */
  async room(signal: AbortSignal): Promise<void> {
    const started = this.#now;
    while (this.tight && this.#now >= this.#waitAgainAt && !this.#ended) {
      const most = this.#mostOf(MAX_WAIT_MS);
      if (this.#now - started > most) this.#waitAgainAt = this.#now + BETWEEN_WAITS * most;
      await abortable(sleep(TICK_MS), signal);
    }
    await abortable(this.#work, signal);
  }

  /**
   * Waits for room for something large, of `bytes` where that is known, or until `ended` says that nobody wants it any more.
   * False where there is none after a longer time. Rejects with the signal's reason.
   */
  async patience(
    signal: AbortSignal,
    { bytes = 0, ended = () => false }: { bytes?: number; ended?: () => boolean } = {},
  ): Promise<boolean> {
    const started = this.#now;
    while (!this.fits(bytes) && !ended()) {
      if (this.#ended || this.#now - started > this.#mostOf(MAX_PATIENCE_MS)) return false;
      await abortable(sleep(TICK_MS), signal);
    }
    await abortable(this.#work, signal);
    return true;
  }

  /** What others take may become less sooner or later. */
  #mostOf(ms: { readonly own: number; readonly others: number }): number {
    return this.#othersTake ? ms.others : ms.own;
  }

  get #othersTake(): boolean {
    return this.#mark < OTHERS_SHARE * this.#options.budgetBytes;
  }

  /** Looks, and acts on it. The timer calls it; `now` in milliseconds. */
  tick(now: number): void {
    const { budgetBytes, read, roomOutside = outsideBytes } = this.#options;
    this.#now = now;
    const bytes = read?.() ?? this.#meter.read(this.#mark * SHARE.low, now);
    this.#peak = Math.max(this.#peak, bytes);
    this.#samples.push({ time: now, bytes });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    const near = (this.#left.at(-1)?.bytes ?? 0) < NEAR_TIMES * budgetBytes;
    if (now - this.#outsideAt >= OUTSIDE_EVERY_MS[near ? 'near' : 'usual']) {
      this.#outsideAt = now;
      this.#mark = Math.min(budgetBytes, bytes + this.#roomAhead(bytes, roomOutside(), now));
    }
    if (this.tight) {
      this.#calmSince = Number.POSITIVE_INFINITY;
      this.#relieve(now);
    } else if (bytes >= this.#mark * SHARE.low) this.#calmSince = Number.POSITIVE_INFINITY;
    else this.#calm(now);
  }

  /** Looks no more; whoever waits for room waits no longer. */
  [Symbol.dispose](): void {
    this.#ended = true;
    clearInterval(this.#timer);
  }

  /** Where memory will be soon if it goes on like this, bytes. */
  #projected(): number {
    const first = this.#samples[0]!;
    const last = this.#samples.at(-1)!;
    if (first === last || this.#expected > 0) return last.bytes;
    const slope = (last.bytes - first.bytes) / Math.max(1, last.time - first.time);
    return last.bytes + Math.max(0, slope) * AHEAD_MS;
  }

  /** What others will soon have left of the room that there is, bytes. */
  #roomAhead(taken: number, room: number, now: number): number {
    // Nobody has taken by how much the meter itself jumps.
    if (this.#jumps !== this.#meter.jumps) this.#left.length = 0;
    this.#jumps = this.#meter.jumps;
    this.#left.push({ time: now, bytes: taken + room });
    while (now - this.#left[0]!.time > OUTSIDE.backMs) this.#left.shift();
    const first = this.#left[0]!;
    const lost = (first.bytes - taken - room) / Math.max(OUTSIDE.leastMs, now - first.time);
    const ahead = Math.min(lost * OUTSIDE.aheadMs, OUTSIDE_SHARE * this.#options.budgetBytes, room);
    return room - Math.max(0, ahead);
  }

  #relieve(now: number): void {
    // Whoever takes all that is left does not wait to see what comes of a step.
    const urgent = this.#othersTake && this.#taken >= this.#mark;
    if (!urgent && now - this.#stepAt < SETTLE_MS) return;
    if (!urgent && this.#working > 0 && now - this.#pulledAt < MAX_WORK_MS) return;
    if (now - this.#collectedAt >= COLLECT_EVERY_MS) {
      this.#collectedAt = now;
      this.#stepAt = now;
      void collectGarbage().catch(() => {});
      if (!urgent) return;
    }
    while (this.#othersTake && this.#levers[this.#pulled]?.onlyGrowth) this.#pulled++;
    const lever = this.#levers[this.#pulled];
    if (lever !== undefined) {
      this.#pulled++;
      // What was taken back too early waits longer the next time.
      if (now - this.#upAt < 2 * this.#calmMs) this.#calmMs = Math.min(CALM_MS.most, 2 * this.#calmMs);
      this.#pull(lever, now);
    } else if (now - this.#pulledAt >= this.#againMs) {
      const passing = this.#levers.findLast(
        ({ up, onlyGrowth = false }) => up === undefined && !(onlyGrowth && this.#othersTake),
      );
      if (passing === undefined) return;
      this.#againMs = Math.min(AGAIN_MS.most, 2 * this.#againMs);
      this.#pull(passing, now);
    }
  }

  #pull(lever: Lever, now: number): void {
    this.#stepAt = now;
    this.#pulledAt = now;
    this.#tell('down', lever.step);
    this.#begin(lever.down);
  }

  /** What fails has relieved nothing, and the next tick sees that. */
  async #do(work: () => void | Promise<void>, after?: Promise<unknown>): Promise<void> {
    this.#working++;
    try {
      await after;
      await work();
    } catch {
    } finally {
      this.#working--;
      this.#stepAt = Math.max(this.#stepAt, this.#now);
    }
  }

  #begin(work: () => void | Promise<void>, after?: Promise<unknown>): void {
    // Without their results: each would hold those before it.
    this.#work = Promise.all([this.#work, this.#do(work, after)]).then(() => {});
  }

  #calm(now: number): void {
    this.#calmSince = Math.min(this.#calmSince, now);
    if (now - this.#calmSince < this.#calmMs || this.#working > 0) return;
    this.#calmSince = now;
    this.#againMs = AGAIN_MS.least;
    // Those that pass have nothing to take back.
    while (this.#pulled > 0 && this.#levers[this.#pulled - 1]!.up === undefined) this.#pulled--;
    if (this.#pulled === 0) return;
    const lever = this.#levers[this.#pulled - 1]!;
    if (!this.fits(lever.upBytes?.() ?? 0)) return;
    this.#pulled--;
    this.#upAt = now;
    this.#tell('up', lever.step);
    this.#begin(lever.up!);
  }

  #tell(direction: 'down' | 'up', step: MemoryStep): void {
    const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
    const taken = megabytes(this.#taken);
    const mark = megabytes(Math.max(0, this.#mark));
    const short = this.#othersTake ? ', as the machine has no more' : '';
    this.#options.onStep({ direction, step, reason: `memory was at ${taken} of ${mark}${short}` });
  }
}

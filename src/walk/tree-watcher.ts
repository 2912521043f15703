import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AsyncSubscription, Event } from '@parcel/watcher';
import { UnwatchableError } from './errors.ts';
import { DEFAULT_IGNORES } from './ignore-rules.ts';

/** A change is told when nothing else has changed for so long: an editor writes a file in several steps. */
const QUIET_MS = 200;
/** And at the latest after this time, where something changes all the time. */
const LATEST_MS = 2000;

/**
 * Says when something under a directory has changed; what has, the walk finds. Nothing is kept of a change but that there
 * was one, so that ten thousand cost as much memory as one. The caller disposes it.
 */
export class TreeWatcher implements AsyncDisposable {
  readonly #root: string;
  readonly #ignore: string[];
  #subscription: AsyncSubscription | null = null;
  /** There is a new directory: what was made in it at once is not watched. */
  #stale = false;
  #changes = 0;
  #seen = 0;
  #wake: () => void = () => {};

  private constructor(root: string, ignore: string[]) {
    this.#root = root;
    this.#ignore = ignore;
  }

  /**
   * @param root real path of a directory
   * @param exclude absolute paths below which nothing counts
   * @throws UnwatchableError where the system has no watch left, or no right to set one
   */
  static async start(root: string, exclude: readonly string[]): Promise<TreeWatcher> {
    // What the walk leaves out by default is not watched: dependencies have more directories than the project itself.
    const names = ['.git', ...DEFAULT_IGNORES.map((rule) => rule.replace(/\/$/, ''))];
    const ignore = [...exclude, ...names.flatMap((name) => [`**/${name}`, `**/${name}/**`])];
    const self = new TreeWatcher(root, ignore);
    await self.#subscribe();
    return self;
  }

  /** Resolves after a change, at once where there was one since the last call. @throws the signal's reason */
  async changed(signal: AbortSignal): Promise<void> {
    const stop = () => this.#wake();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (this.#changes === this.#seen && !signal.aborted) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
    signal.throwIfAborted();
    const latest = performance.now() + LATEST_MS;
    do {
      this.#seen = this.#changes;
      await sleep(QUIET_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    } while (this.#seen !== this.#changes && performance.now() < latest);
    // What came since then may be half of something: it is told the next time.
    if (this.#stale) await this.#subscribe();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#subscription?.unsubscribe();
    this.#subscription = null;
  }

  /** Watches every directory that there is now. What changes meanwhile, the walk that follows finds. */
  async #subscribe(): Promise<void> {
    // First, as the library shares what watches the same tree, and would not look at it anew.
    await this.#subscription?.unsubscribe();
    this.#subscription = null;
    this.#stale = false;
    try {
      // Loaded here, as most programs never watch.
      const { subscribe } = await import('@parcel/watcher');
      // Where events were lost that is a change too.
      const note = (_: unknown, events: readonly Event[] | undefined) => this.#note(events ?? []);
      this.#subscription = await subscribe(this.#root, note, { ignore: this.#ignore });
    } catch (cause) {
      throw new UnwatchableError(this.#root, { cause });
    }
  }

  #note(events: readonly Event[]): void {
    this.#stale ||= events.some(({ type, path }) => type === 'create' && isDirectory(path));
    this.#changes++;
    this.#wake();
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    // A link to itself, or what may not be looked at: nothing in it is watched.
    return false;
  }
}

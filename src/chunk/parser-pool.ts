import { forgetParsers } from './compiled-parsers.ts';
import { ParserCrash, ParserProcess } from './native/parser-process.ts';
import { ParserThread } from './parser-thread.ts';
import type { WindowRequest, WindowResult } from './window-request.ts';

export { ParserTrap } from './parser-thread.ts';

/** `wasm`: WebAssembly in threads. `native`: the native binding in processes, where it is installed; same chunks. */
export type ParserKind = 'wasm' | 'native';

type Slot = ParserThread | ParserProcess;

export interface ParserPoolOptions {
  readonly parser?: ParserKind;
  /** Threads or processes at most; they start when there is work. */
  readonly workers?: number;
  /**
   * A thread whose parser heap (which never shrinks) is larger than this is replaced; of the native parser, a process
   * whose resident set is.
   */
  readonly recycleHeapBytes?: number;
}

interface Task {
  readonly window: WindowRequest;
  /** For a window over which a native parser has died. */
  readonly wasmOnly: boolean;
  readonly resolve: (result: WindowResult) => void;
  readonly reject: (error: unknown) => void;
}

export const DEFAULT_RECYCLE_BYTES = 128 * 1024 * 1024;
/** What such a process takes at the start and for a window of 512 KiB, and much to grow by. */
const DEFAULT_RECYCLE_PROCESS_BYTES = 320 * 1024 * 1024;
/**
 * A thread is replaced after so many bytes of text. What its parser heap ever had in use stays resident, also where the
 * heap is no larger than it began: over the first 30,000 files of Linux two threads grew by 50 MB and never gave them
 * back. With 16 MiB it is 20 MB more in the mean of all of Linux and no faster, with 2 MiB 4 MB less and slower.
 */
const RECYCLE_TEXT_BYTES = 4 * 1024 * 1024;
/** After so many where its heap is oversized: no sooner, or a tree in which languages take turns would get a new thread each time. */
const OVERSIZED_TEXT_BYTES = 1024 * 1024;
/**
 * After so many bytes of text in all, compiling the parsers anew is little beside it, and what comes next has better use for
 * the memory. A round of `watch` has less, and many follow each other.
 */
const LARGE_TEXT_BYTES = 4 * 1024 * 1024;

/**
 * Threads that parse, each with a WebAssembly heap of its own that is thrown away with it, or processes that do. Both can
 * be stopped in the middle of a parse, so a trap or a runaway parser costs one window and never this process.
 */
export class ParserPool implements AsyncDisposable {
  #workers: number;
  readonly #parser: ParserKind;
  readonly #recycleHeapBytes: number;
  readonly #slots = new Set<Slot>();
  /** Busy, and to be replaced when they are done. */
  readonly #worn = new Set<Slot>();
  readonly #idle: Slot[] = [];
  readonly #queue: Task[] = [];
  #textBytes = 0;
  #disposed = false;
  /** Threads or processes that were replaced: worn, grown, trapped, or one too many. */
  recycled = 0;

  constructor(options: ParserPoolOptions = {}) {
    this.#workers = Math.max(1, options.workers ?? 1);
    this.#parser = options.parser ?? 'wasm';
    this.#recycleHeapBytes =
      options.recycleHeapBytes ??
      (this.#parser === 'native' ? DEFAULT_RECYCLE_PROCESS_BYTES : DEFAULT_RECYCLE_BYTES);
  }

  /**
   * Chunks one window. Rejects with {@link ParserTrap} where the parser broke down, and with `NativeParserError` where the
   * native parser cannot be had.
   */
  run(window: WindowRequest): Promise<WindowResult> {
    if (this.#disposed) return Promise.reject(new Error('the parser pool is disposed'));
    this.#textBytes += window.bytes.byteLength;
    return new Promise((resolve, reject) => {
      this.#queue.push({ window, wasmOnly: false, resolve, reject });
      this.#dispatch();
    });
  }

  /** So many threads or processes at most from now on; one too many ends after the window in hand. */
  async limit(workers: number): Promise<void> {
    this.#workers = Math.max(1, workers);
    while (this.#slots.size > this.#workers && this.#idle.length > 0) await this.#retire(this.#idle.pop()!);
    this.#dispatch();
  }

  /**
   * Replaces all threads or processes, busy ones after the window in hand: gives back what their heaps have grown by, and
   * the code of parsers that no new one needs.
   */
  async recycle(): Promise<void> {
    forgetParsers();
    for (const slot of this.#slots) if (!this.#idle.includes(slot)) this.#worn.add(slot);
    await Promise.all(this.#idle.splice(0).map((slot) => this.#retire(slot)));
    this.#dispatch();
  }

  /** Stops the threads or processes; what was waiting is rejected. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const task of this.#queue.splice(0)) task.reject(new Error('the parser pool is disposed'));
    const slots = [...this.#slots];
    this.#slots.clear();
    this.#idle.length = 0;
    await Promise.all(slots.map((slot) => slot.stop()));
    if (this.#textBytes > LARGE_TEXT_BYTES) forgetParsers();
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      let slot: Slot | null;
      try {
        slot = this.#idleSlot() ?? this.#newSlot();
      } catch (error) {
        // The system has no thread or process left to give.
        this.#queue.shift()!.reject(error);
        continue;
      }
      if (slot === null) return;
      void this.#serve(slot, this.#queue.shift()!);
    }
  }

  #idleSlot(): Slot | null {
    for (let slot = this.#idle.pop(); slot !== undefined; slot = this.#idle.pop()) {
      if (slot.alive) return slot;
      // Something on this machine has ended it while it had nothing to do.
      void this.#retire(slot);
    }
    return null;
  }

  #newSlot(): Slot | null {
    if (this.#slots.size >= this.#workers) return null;
    const slot = this.#parser === 'native' ? new ParserProcess() : new ParserThread();
    this.#slots.add(slot);
    return slot;
  }

  async #serve(slot: Slot, task: Task): Promise<void> {
    try {
      const { window, wasmOnly } = task;
      const reply =
        slot instanceof ParserProcess
          ? await slot.call({ window, wasmOnly })
          : await slot.call({ window, version: null });
      const tooMany = this.#slots.size > this.#workers;
      if (tooMany || this.#isWorn(slot, reply.heapBytes)) await this.#retire(slot);
      else if (this.#slots.has(slot)) this.#idle.push(slot);
      task.resolve(reply.result);
    } catch (error) {
      await this.#retire(slot);
      // Which parser is at work must not decide about the chunks.
      if (error instanceof ParserCrash && !task.wasmOnly && !this.#disposed) {
        this.#queue.unshift({ ...task, wasmOnly: true });
      } else task.reject(error);
    }
    this.#dispatch();
  }

  #isWorn(slot: Slot, heapBytes: number): boolean {
    if (this.#worn.has(slot) || heapBytes > this.#recycleHeapBytes) return true;
    // A native parser's memory goes back to the system by itself.
    if (!(slot instanceof ParserThread)) return false;
    return slot.textBytes > (slot.oversized ? OVERSIZED_TEXT_BYTES : RECYCLE_TEXT_BYTES);
  }

  async #retire(slot: Slot): Promise<void> {
    this.#worn.delete(slot);
    if (this.#slots.delete(slot)) this.recycled++;
    await slot.stop();
  }
}

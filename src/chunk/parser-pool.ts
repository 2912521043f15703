import { ParserThread } from './parser-thread.ts';
import type { WindowRequest, WindowResult } from './window-request.ts';

export { ParserTrap } from './parser-thread.ts';

export interface ParserPoolOptions {
  /** Worker threads at most; they start when there is work. */
  readonly workers?: number;
  /** A worker whose parser heap (which never shrinks) is larger than this is replaced. */
  readonly recycleHeapBytes?: number;
}

interface Task {
  readonly window: WindowRequest;
  readonly resolve: (result: WindowResult) => void;
  readonly reject: (error: unknown) => void;
}

export const DEFAULT_RECYCLE_BYTES = 128 * 1024 * 1024;

/**
 * Threads that parse, each with a WebAssembly heap of its own that is thrown away with it. Threads can be stopped in
 * the middle of a parse, so a trap or a runaway parser costs one window and never the process.
 */
export class ParserPool implements AsyncDisposable {
  readonly workers: number;
  readonly #recycleHeapBytes: number;
  readonly #slots = new Set<ParserThread>();
  readonly #idle: ParserThread[] = [];
  readonly #queue: Task[] = [];
  #disposed = false;
  /** Workers replaced because their heap had grown or they had trapped. */
  recycled = 0;

  constructor(options: ParserPoolOptions = {}) {
    this.workers = Math.max(1, options.workers ?? 1);
    this.#recycleHeapBytes = options.recycleHeapBytes ?? DEFAULT_RECYCLE_BYTES;
  }

  /** Chunks one window. Rejects with {@link ParserTrap} where the parser broke down. */
  run(window: WindowRequest): Promise<WindowResult> {
    if (this.#disposed) return Promise.reject(new Error('the parser pool is disposed'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ window, resolve, reject });
      this.#dispatch();
    });
  }

  /** Stops the threads; what was waiting is rejected. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const task of this.#queue.splice(0)) task.reject(new Error('the parser pool is disposed'));
    const slots = [...this.#slots];
    this.#slots.clear();
    this.#idle.length = 0;
    await Promise.all(slots.map((slot) => slot.stop()));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      let slot = this.#idle.pop();
      if (slot === undefined) {
        if (this.#slots.size >= this.workers) return;
        slot = new ParserThread();
        this.#slots.add(slot);
      }
      const task = this.#queue.shift()!;
      void this.#serve(slot, task);
    }
  }

  async #serve(slot: ParserThread, task: Task): Promise<void> {
    try {
      const reply = await slot.call({ window: task.window, version: null });
      if (reply.heapBytes > this.#recycleHeapBytes) await this.#retire(slot);
      else if (this.#slots.has(slot)) this.#idle.push(slot);
      task.resolve(reply.result);
    } catch (error) {
      await this.#retire(slot);
      task.reject(error);
    }
    this.#dispatch();
  }

  async #retire(slot: ParserThread): Promise<void> {
    if (this.#slots.delete(slot)) this.recycled++;
    await slot.stop();
  }
}

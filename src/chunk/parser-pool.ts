import { Worker } from 'node:worker_threads';
import type { WindowRequest, WindowResult } from './window-request.ts';

export interface WorkerRequest {
  readonly window: WindowRequest;
  readonly maximumPages: number;
}

export type WorkerReply =
  | { readonly type: 'done'; readonly result: WindowResult; readonly heapBytes: number }
  | { readonly type: 'trap'; readonly message: string };

/** A parser broke down over a window. The worker is gone; the window can be done again without a parser. */
export class ParserTrap extends Error {
  override readonly name = 'ParserTrap';
}

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

/** In the source tree the loader that runs TypeScript has to be registered in each thread anew. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const WORKER = FROM_SOURCE
  ? `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
       register();
       return import(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)});
     });`
  : new URL('./worker.js', import.meta.url);
const PAGE = 65_536;
/** A window of 1 MiB makes trees of at most some 60 MB; this is for the worst. */
const HEAP_LIMIT_BYTES = 512 * 1024 * 1024;
const DEFAULT_RECYCLE_BYTES = 128 * 1024 * 1024;

/**
 * Threads that parse, each with a WebAssembly heap of its own that is thrown away with it. Threads can be stopped in
 * the middle of a parse, so a trap or a runaway parser costs one window and never the process.
 */
export class ParserPool implements AsyncDisposable {
  readonly workers: number;
  readonly #recycleHeapBytes: number;
  readonly #slots = new Set<Slot>();
  readonly #idle: Slot[] = [];
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
        slot = new Slot();
        this.#slots.add(slot);
      }
      const task = this.#queue.shift()!;
      void this.#serve(slot, task);
    }
  }

  async #serve(slot: Slot, task: Task): Promise<void> {
    try {
      const reply = await slot.call({ window: task.window, maximumPages: HEAP_LIMIT_BYTES / PAGE });
      if (reply.type === 'trap') throw new ParserTrap(reply.message);
      if (reply.heapBytes > this.#recycleHeapBytes) await this.#retire(slot);
      else if (this.#slots.has(slot)) this.#idle.push(slot);
      task.resolve(reply.result);
    } catch (error) {
      await this.#retire(slot);
      task.reject(error);
    }
    this.#dispatch();
  }

  async #retire(slot: Slot): Promise<void> {
    if (this.#slots.delete(slot)) this.recycled++;
    await slot.stop();
  }
}

/** One thread and the call that it is busy with. */
class Slot {
  readonly #worker: Worker;
  #settle: { resolve: (reply: WorkerReply) => void; reject: (error: unknown) => void } | undefined;

  constructor() {
    this.#worker = new Worker(WORKER, {
      eval: FROM_SOURCE,
      resourceLimits: { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16 },
    });
    // An idle parser keeps no process alive.
    this.#worker.unref();
    this.#worker.on('message', (reply: WorkerReply) => {
      this.#worker.unref();
      this.#take()?.resolve(reply);
    });
    this.#worker.on('error', (error) =>
      this.#take()?.reject(new ParserTrap(String(error), { cause: error })),
    );
    this.#worker.on('exit', () => this.#take()?.reject(new ParserTrap('the parser thread ended')));
  }

  call(request: WorkerRequest): Promise<WorkerReply> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #take() {
    const settle = this.#settle;
    this.#settle = undefined;
    return settle;
  }
}

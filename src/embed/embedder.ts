import { DeviceError, EmbedderCrashedError, EmbedderDisposedError } from './errors.ts';
import type { Dtype } from './minilm-graph.ts';
import { defaultCacheRoot } from './model-cache.ts';
import type { FailedText, ModelInfo } from './protocol.ts';
import { planSlices } from './slices.ts';
import { type EmbedderEvent, Slot, type SlotOptions, type SlotStats } from './slot.ts';

export type { Dtype } from './minilm-graph.ts';
export type { FailedText, ModelInfo } from './protocol.ts';
export type { EmbedderEvent } from './slot.ts';

export interface EmbedderOptions {
  /** Path of a local model directory; the bundled model when left out. */
  readonly model?: string | undefined;
  /** `q8` for the bundled model when left out; for a local one, the quantized file if there is one. */
  readonly dtype?: Dtype | undefined;
  readonly device?: 'auto' | 'cpu' | 'wasm' | 'webgpu' | undefined;
  /** Processes that embed side by side, each with one thread and a model of its own. Default 1. */
  readonly processes?: number | undefined;
  /** A process above this resident set is replaced after the work in hand. Default: no limit. */
  readonly maxChildRssBytes?: number | undefined;
  /** Root of the model cache. Default: $TIDEMARK_CACHE, or the user's cache directory. */
  readonly cacheDir?: string | undefined;
  /** What happens to the processes. What it throws is ignored. */
  readonly onEvent?: ((event: EmbedderEvent) => void) | undefined;
}

export interface EmbedResult {
  /** Row-major [texts, dimensions], each row of length 1; the row of a text that failed is NaN. */
  readonly vectors: Float32Array;
  readonly failed: readonly FailedText[];
  /** Tokens that went through the model, special tokens included. */
  readonly tokens: number;
  /** For each text, in how many pieces it went through the model; 0 where it failed. */
  readonly pieces: Uint32Array;
}

export interface EmbedderStats {
  readonly state: EmbedderState;
  readonly processes: readonly SlotStats[];
  /** Over all processes; 0 unless one is at work. */
  readonly liveTensors: number;
  readonly rssBytes: number;
  readonly recycles: number;
  readonly crashes: number;
}

export type EmbedderState = 'idle' | 'loading' | 'ready' | 'failed' | 'disposed';

/** Slices lost to crashes in a row after which it is not the texts: the machine kills every process. */
const HOPELESS_CRASHES = 3;
/** A local model may have a vocabulary ten times that of the bundled one. */
const HEAP_MIB = { bundled: 128, local: 512 };

interface Running {
  readonly info: ModelInfo;
  readonly slots: readonly Slot[];
}

/**
 * Turns texts into vectors in processes of its own, so that a crash or a heap that does not shrink stays out of this
 * one. The caller disposes it; one that is not disposed does not keep the program from exiting.
 */
export class Embedder implements AsyncDisposable {
  readonly #options: SlotOptions;
  readonly #size: number;
  #state: EmbedderState = 'idle';
  #slots: readonly Slot[] = [];
  #running: Promise<Running> | null = null;
  #disposing: Promise<void> | null = null;
  #crashesInARow = 0;

  /** @throws DeviceError for a device that this version does not have */
  constructor(options: EmbedderOptions = {}) {
    const { device = 'auto', processes = 1 } = options;
    if (device !== 'auto' && device !== 'cpu') {
      throw new DeviceError(`The device ${device} is not available yet in this version; use --device cpu.`);
    }
    if (!Number.isInteger(processes) || processes < 1) {
      throw new RangeError('processes must be a whole number from 1');
    }
    this.#size = processes;
    this.#options = slotOptions(options);
  }

  get state(): EmbedderState {
    return this.#state;
  }

  /**
   * Starts the processes and loads the model; calls at the same time share one load. After a load that failed nothing
   * is left, and the next call begins anew. `signal` ends the waiting only; `dispose()` ends the load.
   * @throws EmbedderDisposedError, ModelNotFoundError, ModelInvalidError, ModelIntegrityError, ModelCacheError,
   *   DeviceError
   */
  async start(signal?: AbortSignal): Promise<ModelInfo> {
    return (await this.#start(signal)).info;
  }

  /**
   * Embeds texts, in order; starts the embedder if need be. A text that cannot be embedded is listed in `failed` and
   * does not stop the others. Aborting rejects at once with the signal's reason.
   * @throws EmbedderDisposedError; EmbedderCrashedError when process after process dies; what {@link start} throws
   */
  async embed(texts: readonly string[], signal?: AbortSignal): Promise<EmbedResult> {
    const running = await this.#start(signal);
    const stop = new AbortController();
    try {
      return await abortable(this.#spread(texts, running, stop.signal), signal);
    } finally {
      stop.abort();
    }
  }

  /** Replaces every process by a new one, each after its work in hand: gives back what they have grown by. */
  async recycle(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.recycle()));
  }

  /** Waits for the work in hand of each process. */
  async stats(): Promise<EmbedderStats> {
    const all = await Promise.all(this.#slots.map((slot) => slot.stats().catch(() => null)));
    const processes = all.filter((stats) => stats !== null);
    return {
      state: this.#state,
      processes,
      liveTensors: processes.reduce((total, stats) => total + stats.liveTensors, 0),
      rssBytes: processes.reduce((total, stats) => total + stats.rssBytes, 0),
      recycles: this.#slots.reduce((total, slot) => total + slot.recycles, 0),
      crashes: this.#slots.reduce((total, slot) => total + slot.crashes, 0),
    };
  }

  /**
   * Waits for the work in hand, then ends every process; a load is ended at once. What has not begun rejects with
   * EmbedderDisposedError. May be called again, and never rejects.
   */
  dispose(): Promise<void> {
    this.#disposing ??= this.#end(this.#state === 'loading');
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #end(now: boolean): Promise<void> {
    this.#state = 'disposed';
    const reason = new EmbedderDisposedError();
    await Promise.all(this.#slots.map((slot) => (now ? slot.kill(reason) : slot.close(reason))));
  }

  #start(signal?: AbortSignal): Promise<Running> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#state === 'disposed') return Promise.reject(new EmbedderDisposedError());
    this.#running ??= this.#load();
    return abortable(this.#running, signal);
  }

  async #load(): Promise<Running> {
    this.#state = 'loading';
    this.#crashesInARow = 0;
    const slots = Array.from({ length: this.#size }, () => new Slot(this.#options));
    this.#slots = slots;
    try {
      // The first one alone, as it may have to convert the model into the cache.
      const { info } = await slots[0]!.start();
      await Promise.all(slots.slice(1).map((slot) => slot.start()));
      if (this.#isDisposed()) throw new EmbedderDisposedError();
      this.#state = 'ready';
      return { info, slots };
    } catch (error) {
      throw await this.#fail(slots, error);
    }
  }

  async #spread(texts: readonly string[], running: Running, stop: AbortSignal): Promise<EmbedResult> {
    const { dimensions } = running.info;
    const vectors = new Float32Array(texts.length * dimensions);
    const pieces = new Uint32Array(texts.length);
    const failed: FailedText[] = [];
    let tokens = 0;
    const slices = planSlices(texts);
    const pull = async (slot: Slot): Promise<void> => {
      for (let slice = slices.shift(); slice && !stop.aborted; slice = slices.shift()) {
        const { from, to } = slice;
        const part = await slot.run(texts.slice(from, to), stop);
        this.#crashesInARow = part.crashed ? this.#crashesInARow + 1 : 0;
        if (this.#crashesInARow >= HOPELESS_CRASHES) throw new EmbedderCrashedError(part.failed[0]!.reason);
        vectors.set(part.vectors, from * dimensions);
        pieces.set(part.pieces, from);
        for (const { index, reason } of part.failed) failed.push({ index: index + from, reason });
        tokens += part.tokens;
      }
    };
    // Whoever has least to do first, so that one query does not wait behind an indexing run if it need not.
    const slots = [...running.slots].sort((a, b) => a.load - b.load).slice(0, slices.length);
    try {
      await Promise.all(slots.map(pull));
    } catch (error) {
      if (stop.aborted) throw error;
      throw await this.#fail(running.slots, error);
    }
    failed.sort((a, b) => a.index - b.index);
    return { vectors, failed, tokens, pieces };
  }

  /** Frees everything, so that the next start begins anew; gives the error to throw. */
  async #fail(slots: readonly Slot[], error: unknown): Promise<unknown> {
    if (this.#isDisposed()) return new EmbedderDisposedError(undefined, { cause: error });
    if (slots === this.#slots) {
      this.#running = null;
      this.#state = 'failed';
      const reason = error instanceof Error ? error : new Error(String(error));
      await Promise.all(slots.map((slot) => slot.kill(reason)));
    }
    return error;
  }

  // A method, as TypeScript does not see that the state changes during an await.
  #isDisposed(): boolean {
    return this.#state === 'disposed';
  }
}

function slotOptions(options: EmbedderOptions): SlotOptions {
  return {
    request: {
      model: options.model ?? null,
      dtype: options.dtype ?? null,
      cacheRoot: options.cacheDir ?? defaultCacheRoot(),
      device: 'cpu',
    },
    heapMiB: options.model === undefined ? HEAP_MIB.bundled : HEAP_MIB.local,
    maxRssBytes: options.maxChildRssBytes ?? Number.POSITIVE_INFINITY,
    emit: (event) => {
      try {
        options.onEvent?.(event);
      } catch {
        // An observer must not decide what happens to the work.
      }
    },
  };
}

/** Settles as `work` does, or rejects when `signal` is aborted first; `work` itself goes on. */
function abortable<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

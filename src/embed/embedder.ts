import { abortable } from '../memory/abortable.ts';
import { BudgetTooSmallError } from '../memory/plan.ts';
import { BUNDLED_IDENTITY, BUNDLED_MODEL_ID } from './bundled-model.ts';
import { candidates, probeDevice } from './devices.ts';
import { DeviceError, EmbedderCrashedError, ModelInvalidError, ModelNotFoundError } from './errors.ts';
import { type EmbedderCore, ManagedEmbedder } from './managed-embedder.ts';
import { defaultCacheRoot } from './model-cache.ts';
import type { Device, Dtype, ModelChoice, ModelRequest, Purpose } from './model-files.ts';
import { expectedBytes, workingBytes } from './model-memory.ts';
import { prepareModel, repairModel } from './model-source.ts';
import type { FailedText, LoadedModel, ModelInfo } from './protocol.ts';
import { planSlices } from './slices.ts';
import { type EmbedderEvent, Slot, type SlotOptions, type SlotStats } from './slot.ts';
import type { EmbedderState, EmbedResult } from './text-embedder.ts';

export type { Dtype } from './model-files.ts';
export type { EmbedderEvent } from './slot.ts';

export interface EmbedderOptions {
  /** Directory of a model, or `owner/name[@revision]` on the hub; the bundled model when left out. */
  readonly model?: string | undefined;
  /** `q8` for the bundled model when left out; else what the device runs best of what there is. */
  readonly dtype?: Dtype | undefined;
  /** Cut the vectors to so many dimensions; for models that were trained for it. */
  readonly dimensions?: number | undefined;
  /** Download nothing. */
  readonly offline?: boolean | undefined;
  readonly device?: 'auto' | 'cpu' | 'wasm' | 'webgpu' | undefined;
  /** Processes that embed side by side, each with one thread and a model of its own. Default 1. */
  readonly processes?: number | undefined;
  /** A process above this resident set is replaced after the work in hand. Default: no limit. */
  readonly maxChildRssBytes?: number | undefined;
  /**
   * Called before a load with what a process will take by the size of the weights, and after it with what it takes: the
   * answer goes for `processes`, as a limit, and for `maxChildRssBytes`; null leaves them. What it throws fails the start.
   */
  readonly admit?: Admit | undefined;
  /** Root of the model cache. Default: $TIDEMARK_CACHE, or the user's cache directory. */
  readonly cacheDir?: string | undefined;
  /** What happens to the processes. What it throws is ignored. */
  readonly onEvent?: ((event: EmbedderEvent) => void) | undefined;
}

/** A process with the model on a device, in bytes. */
export interface ProcessNeed {
  readonly device: Device;
  readonly bytes: number;
}

/** How many such processes at most, and above which resident set one is replaced, bytes. */
export interface ProcessShare {
  readonly processes: number;
  readonly maxRssBytes: number;
}

export type Admit = (need: ProcessNeed) => ProcessShare | null;

export interface EmbedderStats {
  readonly state: EmbedderState;
  readonly processes: readonly SlotStats[];
  /** Over all processes; 0 unless one is at work. */
  readonly liveTensors: number;
  readonly rssBytes: number;
  readonly recycles: number;
  readonly crashes: number;
}

/** Slices lost to crashes in a row after which it is not the texts: the machine kills every process. */
const HOPELESS_CRASHES = 3;
/** A GPU gets so many more texts at a time: several groups, of which the next one becomes tokens while one runs. */
const GPU_SLICE_TIMES = 16;
/** A local model may have a vocabulary ten times that of the bundled one. */
const HEAP_MIB = { bundled: 128, local: 512 };

/**
 * Turns texts into vectors in processes of its own, so that a crash or a heap that does not shrink stays out of this
 * one. One that is not disposed does not keep the program from exiting. `start` throws ModelNotFoundError,
 * ModelInvalidError, ModelIntegrityError, ModelCacheError or DeviceError; `embed` throws EmbedderCrashedError when
 * process after process dies.
 */
export class Embedder extends ManagedEmbedder<ProcessPool> {
  constructor(options: EmbedderOptions = {}) {
    const { device = 'auto', processes = 1 } = options;
    if (!Number.isInteger(processes) || processes < 1) {
      throw new RangeError('processes must be a whole number from 1');
    }
    const choice = modelChoice(options);
    const slots = slotOptions(options);
    super(() => new ProcessPool(processes, candidates(device, deviceDtype(options)), choice, slots));
  }

  /** Replaces every process by a new one, each after its work in hand: gives back what they have grown by. */
  async recycle(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.recycle()));
  }

  /** How many there are, at work or to be; 0 before the start. */
  get processes(): number {
    return this.#slots.length;
  }

  /** So many processes at most from now on; the others end after their work in hand, and come back when they may. */
  async limit(processes: number): Promise<void> {
    await this.core?.limit(processes);
  }

  /**
   * Ends every process at once: no memory is held for the model until {@link resume}. What is in hand is embedded anew then,
   * and what comes meanwhile waits. Settles when the processes are gone. For an embedder that has started: a load fails.
   */
  async suspend(): Promise<void> {
    await this.core?.suspend();
  }

  /** Lets the work go on, in new processes that start with it. */
  resume(): void {
    this.core?.resume();
  }

  get isSuspended(): boolean {
    return this.core?.isSuspended ?? false;
  }

  /** Whether some work waits for {@link resume}. */
  get isAwaited(): boolean {
    return this.core?.isAwaited ?? false;
  }

  /**
   * Starts the processes that may work, where they do not run yet. Settles when they have the model; what fails then fails
   * once more for the work.
   */
  async warmUp(): Promise<void> {
    await this.core?.warmUp();
  }

  /**
   * What the processes that may work need to be free to load the model, bytes: what the last ones took of it then, but for
   * pages of files. 0 before the first start.
   */
  get neededBytes(): number {
    return this.core?.neededBytes ?? 0;
  }

  /** Waits for the work in hand of each process. */
  async stats(): Promise<EmbedderStats> {
    const all = await Promise.all(this.#slots.map((slot) => slot.stats().catch(() => null)));
    const processes = all.filter((stats) => stats !== null);
    return {
      state: this.state,
      processes,
      liveTensors: processes.reduce((total, stats) => total + stats.liveTensors, 0),
      rssBytes: processes.reduce((total, stats) => total + stats.rssBytes, 0),
      recycles: this.#slots.reduce((total, slot) => total + slot.recycles, 0),
      crashes: this.#slots.reduce((total, slot) => total + slot.crashes, 0),
    };
  }

  get #slots(): readonly Slot[] {
    return this.core?.slots ?? [];
  }
}

type PoolOptions = Omit<SlotOptions, 'request'> & {
  readonly admit: Admit;
};

/** Processes that each hold the model and share the work. */
class ProcessPool implements EmbedderCore {
  /** Processes that were asked for; fewer may have room. */
  readonly #size: number;
  /** Of the processes, how many may work. */
  #limit: number;
  /** The first that works is taken. */
  readonly #devices: readonly Device[];
  readonly #choice: Omit<ModelChoice, 'device'>;
  readonly #options: PoolOptions;
  readonly #stop = new AbortController();
  #preparing: Promise<ModelRequest> | null = null;
  slots: readonly Slot[] = [];
  #dimensions = 0;
  #sliceTimes = 1;
  #crashesInARow = 0;
  #suspension: Suspension | null = null;

  constructor(
    size: number,
    devices: readonly Device[],
    choice: Omit<ModelChoice, 'device'>,
    options: PoolOptions,
  ) {
    this.#size = size;
    this.#limit = size;
    this.#devices = devices;
    this.#choice = choice;
    this.#options = options;
  }

  async load(): Promise<ModelInfo> {
    for (const [i, device] of this.#devices.entries()) {
      try {
        // Before weights are downloaded that nothing else needs.
        if (device === 'webgpu') await probeDevice(device);
        return await this.#load(device);
      } catch (error) {
        if (i === this.#devices.length - 1 || !isForAnother(error, device)) throw error;
      }
    }
    throw new DeviceError('There is no device to run a model on.');
  }

  async #load(device: Device): Promise<ModelInfo> {
    const request = await this.#prepare(device);
    const share = this.#options.admit({ device, bytes: await expectedBytes(request) });
    try {
      return await this.#start(request, share);
    } catch (error) {
      if (!(error instanceof ModelInvalidError) || !(await repairModel(request))) throw error;
      return this.#start(await this.#prepare(device), share);
    }
  }

  #prepare(device: Device): Promise<ModelRequest> {
    this.#preparing = prepareModel({ ...this.#choice, device }, this.#stop.signal, this.#options.emit);
    return this.#preparing;
  }

  async #start(request: ModelRequest, share: ProcessShare | null): Promise<ModelInfo> {
    this.#stop.signal.throwIfAborted();
    const { info } = await this.#startSlots(request, share).catch(async (error: Error) => {
      // Whoever tries again makes new ones.
      await Promise.all(this.slots.map((slot) => slot.kill(error)));
      this.slots = [];
      throw error;
    });
    this.#dimensions = info.dimensions;
    this.#sliceTimes = info.device === 'webgpu' ? GPU_SLICE_TIMES : 1;
    return info;
  }

  async #startSlots(request: ModelRequest, expected: ProcessShare | null): Promise<LoadedModel> {
    const { admit, ...options } = this.#options;
    const asked = expected ?? { processes: this.#size, maxRssBytes: options.maxRssBytes };
    // The first one alone, as it may have to convert the model into the cache, and shows what each takes.
    const first = new Slot({ ...options, request, maxRssBytes: asked.maxRssBytes });
    this.slots = [first];
    const model = await first.start();
    const bytes = await workingBytes(request, first.loadedBytes);
    // What frees the slots sees no later ones.
    this.#stop.signal.throwIfAborted();
    const { processes, maxRssBytes } = admit({ device: request.device, bytes }) ?? asked;
    this.#limit = Math.min(this.#size, processes);
    first.maxRssBytes = maxRssBytes;
    const others = Array.from(
      { length: this.#limit - 1 },
      () => new Slot({ ...options, request, maxRssBytes }),
    );
    this.slots = [first, ...others];
    // One that died, as of a machine without memory, is started again with its first work; the rest goes on meanwhile.
    for (const started of await Promise.allSettled(others.map((slot) => slot.start())))
      if (started.status === 'rejected' && !(started.reason instanceof EmbedderCrashedError))
        throw started.reason;
    return model;
  }

  async run(texts: readonly string[], purpose: Purpose, stop: AbortSignal): Promise<EmbedResult> {
    const dimensions = this.#dimensions;
    const vectors = new Float32Array(texts.length * dimensions);
    const pieces = new Uint32Array(texts.length);
    const failed: FailedText[] = [];
    let tokens = 0;
    const slices = planSlices(texts, this.#sliceTimes);
    const pull = async (slot: Slot): Promise<void> => {
      while (!stop.aborted) {
        await this.#suspension?.pass(stop);
        if (!this.#mayWork(slot)) return;
        const slice = slices.shift();
        if (slice === undefined) return;
        const { from, to } = slice;
        const part = await slot.run({ texts: texts.slice(from, to), purpose }, stop);
        if (part === null) {
          slices.unshift(slice);
          continue;
        }
        this.#crashesInARow = part.crashed ? this.#crashesInARow + 1 : 0;
        if (this.#crashesInARow >= HOPELESS_CRASHES) throw new EmbedderCrashedError(part.failed[0]!.reason);
        vectors.set(part.vectors, from * dimensions);
        pieces.set(part.pieces, from);
        for (const { index, reason } of part.failed) failed.push({ index: index + from, reason });
        tokens += part.tokens;
      }
    };
    // Whoever has least to do first, so that one query does not wait behind an indexing run if it need not.
    const slots = this.slots
      .slice(0, this.#limit)
      .sort((a, b) => a.load - b.load)
      .slice(0, slices.length);
    await Promise.all(slots.map(pull));
    // Those that were at work may all be among the ones that have been let go meanwhile.
    await pull(this.slots[0]!);
    failed.sort((a, b) => a.index - b.index);
    return { vectors, failed, tokens, pieces };
  }

  #mayWork(slot: Slot): boolean {
    return this.slots.indexOf(slot) < this.#limit;
  }

  async limit(processes: number): Promise<void> {
    this.#limit = Math.max(1, Math.min(processes, this.slots.length));
    await Promise.all(this.slots.slice(this.#limit).map((slot) => slot.recycle()));
  }

  get neededBytes(): number {
    return this.slots.slice(0, this.#limit).reduce((total, slot) => total + slot.neededBytes, 0);
  }

  async suspend(): Promise<void> {
    this.#suspension ??= new Suspension(this.slots);
    await this.#suspension.complete;
  }

  resume(): void {
    const suspension = this.#suspension;
    this.#suspension = null;
    suspension?.end();
  }

  get isSuspended(): boolean {
    return this.#suspension !== null;
  }

  get isAwaited(): boolean {
    return (this.#suspension?.waiting ?? 0) > 0;
  }

  async warmUp(): Promise<void> {
    await Promise.all(this.slots.slice(0, this.#limit).map((slot) => slot.warmUp()));
  }

  async free(reason: Error, now: boolean): Promise<void> {
    this.#stop.abort(reason);
    await this.#preparing?.catch(() => {});
    await Promise.all(this.slots.map((slot) => (now ? slot.kill(reason) : slot.close(reason))));
    // Whatever waits goes on, and finds the slots closed.
    this.#suspension?.end();
  }
}

/** A time in which the slots hold no process. */
class Suspension {
  /** Settles when the processes are gone. */
  readonly complete: Promise<void>;
  readonly #over: Promise<void>;
  /** How much work waits for its end. */
  waiting = 0;
  readonly end: () => void;

  constructor(slots: readonly Slot[]) {
    let settle = () => {};
    this.#over = new Promise((resolve) => {
      settle = resolve;
    });
    this.complete = Promise.all(slots.map((slot) => slot.suspend())).then(() => {});
    this.end = () => {
      for (const slot of slots) slot.resume();
      settle();
    };
  }

  /** Waits for its end. Rejects with the signal's reason. */
  async pass(signal: AbortSignal): Promise<void> {
    this.waiting++;
    try {
      await abortable(this.#over, signal);
    } finally {
      this.waiting--;
    }
  }
}

function modelChoice({
  model,
  dtype,
  dimensions,
  cacheDir,
  offline,
}: EmbedderOptions): Omit<ModelChoice, 'device'> {
  return {
    model: model ?? null,
    dtype: dtype ?? null,
    dimensions: dimensions ?? null,
    cacheRoot: cacheDir ?? defaultCacheRoot(),
    offline: offline ?? false,
  };
}

/** Whether another device may do what this one could not. */
function isForAnother(error: unknown, device: Device): boolean {
  if (error instanceof DeviceError || error instanceof EmbedderCrashedError) return true;
  // A GPU asks for weights that the others do not need, and for more memory.
  const asksForMore = error instanceof ModelNotFoundError || error instanceof BudgetTooSmallError;
  return device === 'webgpu' && asksForMore;
}

/** The weights of the bundled model are 8-bit ones where nothing else is said. */
function deviceDtype({ model = BUNDLED_MODEL_ID, dtype }: EmbedderOptions): Dtype | null {
  return dtype ?? (model === BUNDLED_MODEL_ID ? BUNDLED_IDENTITY.dtype : null);
}

function slotOptions(options: EmbedderOptions): PoolOptions {
  return {
    heapMiB: (options.model ?? BUNDLED_MODEL_ID) === BUNDLED_MODEL_ID ? HEAP_MIB.bundled : HEAP_MIB.local,
    maxRssBytes: options.maxChildRssBytes ?? Number.POSITIVE_INFINITY,
    admit: options.admit ?? (() => null),
    emit: (event) => {
      try {
        options.onEvent?.(event);
      } catch {
        // An observer must not decide what happens to the work.
      }
    },
  };
}

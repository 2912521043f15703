import { abortable } from '../memory/abortable.ts';
import { EmbedderDisposedError } from './errors.ts';
import type { Purpose } from './model-files.ts';
import type { ModelInfo } from './protocol.ts';
import type { EmbedderState, EmbedOptions, EmbedResult, TextEmbedder } from './text-embedder.ts';

/** What embeds between a start and its end. It is loaded once and freed once. */
export interface EmbedderCore {
  load(): Promise<ModelInfo>;
  /** `stop` is aborted when nobody waits for the result any more. What it throws ends the core. */
  run(texts: readonly string[], purpose: Purpose, stop: AbortSignal): Promise<EmbedResult>;
  /**
   * Frees everything, without waiting for the work in hand if `now`. What waits, and what comes later, rejects with
   * `reason`. Never rejects; may be called again.
   */
  free(reason: Error, now: boolean): Promise<void>;
}

interface Running<Core> {
  readonly core: Core;
  readonly info: ModelInfo;
}

/** The life of an embedder: idle, loading, ready; failed, from where it can start anew; disposed, which is the end. */
export abstract class ManagedEmbedder<Core extends EmbedderCore> implements TextEmbedder {
  readonly #create: () => Core;
  #state: EmbedderState = 'idle';
  #core: Core | null = null;
  #running: Promise<Running<Core>> | null = null;
  #disposing: Promise<void> | null = null;

  protected constructor(create: () => Core) {
    this.#create = create;
  }

  get state(): EmbedderState {
    return this.#state;
  }

  /** The one in use or the last one that was; null before the first start. */
  protected get core(): Core | null {
    return this.#core;
  }

  async start(signal?: AbortSignal): Promise<ModelInfo> {
    return (await this.#start(signal)).info;
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<EmbedResult> {
    const { purpose = 'document', signal } = options;
    const { core } = await this.#start(signal);
    const stop = new AbortController();
    const run = core.run(texts, purpose, stop.signal).catch(async (error) => {
      throw stop.signal.aborted ? error : await this.#fail(core, error);
    });
    try {
      return await abortable(run, signal);
    } finally {
      stop.abort();
    }
  }

  dispose(): Promise<void> {
    this.#disposing ??= this.#end(this.#state === 'loading');
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #end(now: boolean): Promise<void> {
    this.#state = 'disposed';
    await this.#core?.free(new EmbedderDisposedError(), now);
  }

  #start(signal?: AbortSignal): Promise<Running<Core>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#state === 'disposed') return Promise.reject(new EmbedderDisposedError());
    this.#running ??= this.#load();
    return abortable(this.#running, signal);
  }

  async #load(): Promise<Running<Core>> {
    this.#state = 'loading';
    const core = this.#create();
    this.#core = core;
    try {
      const info = await core.load();
      if (this.#isDisposed()) throw new EmbedderDisposedError();
      this.#state = 'ready';
      return { core, info };
    } catch (error) {
      throw await this.#fail(core, error);
    }
  }

  /** Frees everything, so that the next start begins anew; gives the error to throw. */
  async #fail(core: Core, error: unknown): Promise<unknown> {
    if (this.#isDisposed()) {
      return error instanceof EmbedderDisposedError
        ? error
        : new EmbedderDisposedError(undefined, { cause: error });
    }
    // Of calls side by side the first one that fails frees what they share.
    if (core === this.#core && this.#state !== 'failed') {
      this.#running = null;
      this.#state = 'failed';
      await core.free(error instanceof Error ? error : new Error(String(error)), true);
    }
    return error;
  }

  // A method, as TypeScript does not see that the state changes during an await.
  #isDisposed(): boolean {
    return this.#state === 'disposed';
  }
}

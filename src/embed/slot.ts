import { anonymousBytes } from '../memory/process-tree.ts';
import { EmbedderProcess } from './embedder-process.ts';
import { EmbedderCrashedError } from './errors.ts';
import type { DownloadEvent } from './hub-fetch.ts';
import type { ModelRequest } from './model-files.ts';
import type { EmbedRequest, LoadedModel, SliceResult } from './protocol.ts';

/** What happened to the processes of an embedder; sizes in bytes. */
export type EmbedderEvent =
  | DownloadEvent
  | {
      readonly type: 'loaded';
      readonly pid: number;
      readonly rssBytes: number;
      readonly milliseconds: number;
      readonly converted: boolean;
    }
  /** The process had grown above the limit; the next work starts a new one. */
  | {
      readonly type: 'recycled';
      readonly pid: number;
      readonly rssBytes: number;
      readonly limitBytes: number;
    }
  /** The process is above the limit with nothing but the model in it; recycling would not help and is left off. */
  | {
      readonly type: 'over-limit';
      readonly pid: number;
      readonly rssBytes: number;
      readonly limitBytes: number;
    }
  /** The device could not run some sequences, and the CPU did. */
  | { readonly type: 'fallback'; readonly pid: number; readonly sequences: number }
  /** The process died, or could not run the model any more; its work goes to a new one. */
  | { readonly type: 'crashed'; readonly pid: number; readonly reason: string };

export interface SlotOptions {
  readonly request: ModelRequest;
  /** Limit of the JavaScript heap of the process, in MiB. */
  readonly heapMiB: number;
  /** In bytes; Infinity for none. */
  readonly maxRssBytes: number;
  readonly emit: (event: EmbedderEvent) => void;
}

export interface SlotStats {
  readonly pid: number;
  readonly rssBytes: number;
  readonly liveTensors: number;
}

export type SlotResult = SliceResult & { readonly crashed: boolean };

/**
 * A place for one embedder process, which it starts, replaces when it dies or has grown, and ends. Calls wait for each
 * other.
 */
export class Slot {
  readonly #options: SlotOptions;
  /** Above it the process is replaced after the work in hand; may be changed at any time. */
  maxRssBytes: number;
  #queue: Promise<unknown> = Promise.resolve();
  #process: EmbedderProcess | null = null;
  #model: LoadedModel | null = null;
  #overLimit = false;
  /** A new process could not run what the one before it could not: it is the texts, or the machine. */
  #noBetter = false;
  #closed: Error | null = null;
  #suspended = false;
  /** How often; work that sees it change was interrupted and did not crash. */
  #suspensions = 0;
  /** Resident bytes of the last process once it had the model, before any work. */
  loadedBytes = 0;
  /** Of them those that are not pages of files: what the next process will need to be free. */
  neededBytes = 0;
  recycles = 0;
  crashes = 0;
  /** Calls that run or wait. */
  load = 0;

  constructor(options: SlotOptions) {
    this.#options = options;
    this.maxRssBytes = options.maxRssBytes;
  }

  /** Starts a process and loads the model. @throws whatever the load throws; then there is no process */
  start(): Promise<LoadedModel> {
    return this.#exclusive(() => this.#start());
  }

  /**
   * Embeds a slice. If the process dies, or has no memory or no device any more, the slice is tried once more in a new
   * one; if that fares no better, its texts have failed. Null where the slot is or was suspended meanwhile.
   * @throws the signal's reason when it is aborted before the slice had its turn, or its second one; what a new process's load throws,
   *   crashes aside
   */
  run(request: EmbedRequest, signal: AbortSignal): Promise<SlotResult | null> {
    return this.#exclusive(async () => {
      let reason = '';
      for (let attempt = 0; attempt < 2; attempt++) {
        signal.throwIfAborted();
        if (this.#suspended) return null;
        const suspensions = this.#suspensions;
        try {
          const process = await this.#ready();
          const { output, rssBytes } = await process.call('embed', request);
          if (output.onCpu > 0) {
            this.#options.emit({ type: 'fallback', pid: process.pid, sequences: output.onCpu });
          }
          if (output.broken !== null && !this.#noBetter) {
            this.#bury(output.broken);
            await process.exited;
            if (output.notRun === 0) return { ...output, crashed: false };
            if (attempt === 0) continue;
            this.#noBetter = true;
          }
          if (rssBytes > this.maxRssBytes && !this.#overLimit) await this.#replace(rssBytes);
          return { ...output, crashed: false };
        } catch (error) {
          if (!(error instanceof EmbedderCrashedError)) throw error;
          if (suspensions !== this.#suspensions) return null;
          reason = error.message;
          this.#bury(reason);
        }
      }
      return this.#allFailed(request.texts.length, reason);
    });
  }

  /** Ends the process; the next work starts a new one. */
  recycle(): Promise<void> {
    return this.#exclusive(async () => {
      const reply = await this.#process?.call('stats', null).catch(() => null);
      await this.#replace(reply?.rssBytes ?? 0);
    });
  }

  /** Ends the process now, the work in hand undone; none starts before {@link resume}. Settles when it is gone. */
  async suspend(): Promise<void> {
    // What ended before this was no suspension.
    this.#buryDead();
    this.#suspended = true;
    this.#suspensions++;
    const process = this.#process;
    this.#process = null;
    process?.kill();
    await process?.exited;
  }

  resume(): void {
    this.#suspended = false;
  }

  /** Settles when a process has the model; what fails here fails once more for whoever has work. */
  async warmUp(): Promise<void> {
    const work = async () => {
      const suspensions = this.#suspensions;
      try {
        if (!this.#suspended) await this.#ready();
      } catch (error) {
        const crashed = error instanceof EmbedderCrashedError && suspensions === this.#suspensions;
        if (crashed) this.#bury(error.message);
      }
    };
    await this.#exclusive(work).catch(() => {});
  }

  /** Null where no process runs. */
  stats(): Promise<SlotStats | null> {
    return this.#exclusive(async () => {
      const process = this.#process;
      const reply = await process?.call('stats', null).catch(() => null);
      if (!process || !reply) return null;
      return { pid: process.pid, rssBytes: reply.rssBytes, liveTensors: reply.output.liveTensors };
    });
  }

  /** Ends the process after the work in hand; calls that wait, and later ones, reject with `reason`. */
  async close(reason: Error): Promise<void> {
    this.#closed ??= reason;
    await this.#queue;
    await this.#process?.close();
    this.#process = null;
  }

  /** As {@link close}, without waiting for the work in hand, which rejects. */
  async kill(reason: Error): Promise<void> {
    this.#closed ??= reason;
    this.#process?.kill();
    await this.close(reason);
  }

  async #start(): Promise<LoadedModel> {
    const { emit, heapMiB, request } = this.#options;
    const started = performance.now();
    const process = new EmbedderProcess(heapMiB);
    this.#process = process;
    try {
      const { output, rssBytes } = await process.call('load', request);
      this.#model = output;
      this.loadedBytes = rssBytes;
      this.neededBytes = anonymousBytes(process.pid) ?? rssBytes;
      const milliseconds = performance.now() - started;
      emit({ type: 'loaded', pid: process.pid, rssBytes, milliseconds, converted: output.converted });
      if (rssBytes > this.maxRssBytes && !this.#overLimit) {
        this.#overLimit = true;
        emit({ type: 'over-limit', pid: process.pid, rssBytes, limitBytes: this.maxRssBytes });
      }
      return output;
    } catch (error) {
      this.#process = null;
      process.kill();
      await process.exited;
      throw error;
    }
  }

  async #ready(): Promise<EmbedderProcess> {
    if (this.#closed) throw this.#closed;
    this.#buryDead();
    if (!this.#process) await this.#start();
    if (!this.#process) throw new EmbedderCrashedError('The embedder process was ended while it started.');
    return this.#process;
  }

  async #replace(rssBytes: number): Promise<void> {
    const process = this.#process;
    if (!process) return;
    this.#process = null;
    this.recycles++;
    await process.close();
    const limitBytes = this.maxRssBytes;
    this.#options.emit({ type: 'recycled', pid: process.pid, rssBytes, limitBytes });
  }

  #buryDead(): void {
    if (this.#process && !this.#process.alive) this.#bury('The embedder process ended between two calls.');
  }

  #bury(reason: string): void {
    this.crashes++;
    this.#options.emit({ type: 'crashed', pid: this.#process?.pid ?? 0, reason });
    this.#process?.kill();
    this.#process = null;
  }

  #allFailed(count: number, reason: string): SlotResult {
    const dimensions = this.#model?.info.dimensions ?? 0;
    return {
      vectors: new Float32Array(count * dimensions).fill(Number.NaN),
      failed: Array.from({ length: count }, (_, index) => ({ index, reason })),
      tokens: 0,
      onCpu: 0,
      notRun: 0,
      broken: null,
      pieces: new Uint32Array(count),
      crashed: true,
    };
  }

  #exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    this.load++;
    const result = this.#queue.then(() => {
      if (this.#closed) throw this.#closed;
      return work();
    });
    this.#queue = result.then(
      () => this.load--,
      () => this.load--,
    );
    return result;
  }
}

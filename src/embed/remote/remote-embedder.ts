import { setTimeout as sleep } from 'node:timers/promises';
import { LinkedAbort } from '../../memory/linked-abort.ts';
import { ModelInvalidError } from '../errors.ts';
import { knownModel } from '../known-models.ts';
import { type EmbedderCore, ManagedEmbedder } from '../managed-embedder.ts';
import type { Purpose } from '../model-files.ts';
import type { ModelInfo } from '../protocol.ts';
import type { EmbedResult } from '../text-embedder.ts';
import { ApiKey } from './api-key.ts';
import { Asker, type RemoteEvent } from './asker.ts';
import { answerBytes, BatchRun, type Served } from './batches.ts';
import { detect } from './detect.ts';
import type { Dialect } from './dialect.ts';
import { MalformedAnswerError, RefusedError } from './errors.ts';
import { ollamaDialect } from './ollama.ts';
import { openaiDialect } from './openai.ts';
import { parseTarget, type RemoteKind, type RemoteTarget } from './target.ts';
import { teiDialect } from './tei.ts';
import { type Signals, Transport } from './transport.ts';
import { dimensionsOf } from './vectors.ts';

export type { RemoteEvent } from './asker.ts';

export interface RemoteEmbedderOptions {
  /** Address of the model, as target.ts describes it. */
  readonly model: string;
  /** Have the server cut the vectors to so many dimensions; for models that were trained for it. */
  readonly dimensions?: number | undefined;
  /** Requests at a time. Default 4. */
  readonly connections?: number | undefined;
  /** For one try of a request. Default two minutes, as a server may have to load its model first. */
  readonly timeoutMs?: number | undefined;
  /** How often a request is sent at most. Default 6. */
  readonly tries?: number | undefined;
  /** The wait after the first try; it doubles from try to try. Default half a second. */
  readonly backoffMs?: number | undefined;
  /** What requests and their answers may hold together, in bytes. Default 16 MiB. */
  readonly inFlightBytes?: number | undefined;
  /** What happens on the way. What it throws is ignored. */
  readonly onEvent?: ((event: RemoteEvent) => void) | undefined;
}

const MIB = 1024 * 1024;
/** Enough to fill a GPU, few enough that the requests of one call come out even. */
const MAX_TEXTS = 32;
const MAX_CHARACTERS = 64 * 1024;
/** More than any model has. */
const MAX_DIMENSIONS = 65_536;
/** What is embedded first, to see what comes back. */
const SAMPLE = 'tidemark';
/** How long `dispose` waits for requests under way. */
const GRACE_MS = 5000;

const DIALECTS: Record<RemoteKind, (asker: Asker, signals: Signals) => Promise<Dialect>> = {
  openai: openaiDialect,
  tei: teiDialect,
  ollama: ollamaDialect,
};

/**
 * Turns texts into vectors by asking a server. Memory: requests and answers take a lease of `inFlightBytes` each, and
 * no answer is read past what its vectors can take.
 *
 * An index is bound to the name of the model and its dimensions. The host is no part of that: the same model is on
 * another port or machine tomorrow, and to embed everything again would cost hours or money. Nor is the kind of the
 * server: it only decides how the vectors are asked for.
 *
 * `start` throws RemoteError, RemoteKeyError, ModelNotFoundError or ModelInvalidError; `embed` throws RemoteError when
 * the server has gone away for longer than the tries last. A connection that idles does not keep the program from
 * exiting.
 */
export class RemoteEmbedder extends ManagedEmbedder<RemoteModel> {
  /** @throws ModelUrlError */
  constructor(options: RemoteEmbedderOptions) {
    const target = parseTarget(options.model, options.dimensions ?? null);
    const settings = settingsOf(options);
    super(() => new RemoteModel(target, settings));
  }
}

type Settings = ReturnType<typeof settingsOf>;

function settingsOf(options: RemoteEmbedderOptions) {
  const { connections = 4, timeoutMs = 120_000, tries = 6, backoffMs = 500 } = options;
  if (!Number.isInteger(connections) || connections < 1) {
    throw new RangeError('connections must be a whole number from 1');
  }
  return {
    connections,
    timeoutMs,
    patience: { tries, backoffMs },
    inFlightBytes: options.inFlightBytes ?? 16 * MIB,
    emit: (event: RemoteEvent): void => {
      try {
        options.onEvent?.(event);
      } catch {
        // An observer must not decide what happens to the work.
      }
    },
  };
}

/** The model on its server, from the first request to the last. */
class RemoteModel implements EmbedderCore {
  readonly #target: RemoteTarget;
  readonly #settings: Settings;
  readonly #end = new AbortController();
  readonly #kill = new AbortController();
  readonly #runs = new Set<Promise<unknown>>();
  #transport: Transport | null = null;
  #served: Served | null = null;

  constructor(target: RemoteTarget, settings: Settings) {
    this.#target = target;
    this.#settings = settings;
  }

  async load(): Promise<ModelInfo> {
    const { connections, timeoutMs, inFlightBytes, emit } = this.#settings;
    const signals = { soft: this.#end.signal, hard: this.#kill.signal };
    const { origin } = this.#target;
    this.#transport = await Transport.open({ origin, connections, timeoutMs, inFlightBytes });
    const asker = await this.#meet(signals);
    const { kind } = asker.target;
    const { dialect, dimensions } = await sample(asker, await DIALECTS[kind!](asker, signals), signals);
    const wanted = asker.target.dimensions;
    if (wanted !== null && wanted !== dimensions) {
      throw new ModelInvalidError(
        `${dialect.model} at ${origin} gives ${dimensions} dimensions, not ${wanted}; ask for another number or for none.`,
      );
    }
    // Of large vectors fewer, so that every connection finds room for an answer.
    const room = Math.floor(
      inFlightBytes / connections / (answerBytes(1, dimensions) - answerBytes(0, dimensions)),
    );
    const texts = Math.max(1, Math.min(MAX_TEXTS, dialect.maxTexts ?? MAX_TEXTS, room));
    const limits = { texts, characters: MAX_CHARACTERS };
    this.#served = { asker, dialect, dimensions, limits, connections, emit, failuresInARow: 0 };
    const { model, maxTokens } = dialect;
    return {
      id: `remote/${model}`,
      dtype: 'served',
      device: 'remote',
      dimensions,
      maxTokens,
      chunkTokens: maxTokens,
    };
  }

  run(texts: readonly string[], purpose: Purpose, stop: AbortSignal): Promise<EmbedResult> {
    const soft = new LinkedAbort(stop, this.#end.signal);
    const hard = new LinkedAbort(stop, this.#kill.signal);
    const signals = { soft: soft.signal, hard: hard.signal };
    const served = this.#served!;
    const prompt = knownModel(served.dialect.hubName).prompts?.[purpose] ?? '';
    const run = new BatchRun(texts, prompt, served, signals).result();
    this.#runs.add(run);
    const done = (): void => {
      this.#runs.delete(run);
      soft[Symbol.dispose]();
      hard[Symbol.dispose]();
    };
    run.then(done, done);
    return run;
  }

  async free(reason: Error, now: boolean): Promise<void> {
    this.#end.abort(reason);
    if (!now) {
      const waiting = new AbortController();
      const grace = sleep(GRACE_MS, null, { signal: waiting.signal }).catch(() => {});
      await Promise.race([Promise.allSettled(this.#runs), grace]);
      waiting.abort();
    }
    this.#kill.abort(reason);
    await this.#transport?.close();
  }

  /** Finds out what the server is, and with which key to speak to it. */
  async #meet(signals: Signals): Promise<Asker> {
    const asker = (target: RemoteTarget): Asker => {
      const key = ApiKey.fromEnvironment(target, target.kind);
      return new Asker({ ...this.#settings, target, key, transport: this.#transport! });
    };
    const { kind, path } = await detect(asker(this.#target), signals);
    return asker({ ...this.#target, kind, path });
  }
}

/** Embeds something small: shows that the server does what it says, and how many dimensions there are. */
async function sample(
  asker: Asker,
  dialect: Dialect,
  signals: Signals,
): Promise<{ dialect: Dialect; dimensions: number }> {
  const call = {
    method: 'POST',
    path: dialect.path,
    body: dialect.body([SAMPLE]),
    maxAnswerBytes: answerBytes(1, MAX_DIMENSIONS),
  } as const;
  const read = (answer: unknown, headers: Parameters<Dialect['read']>[2]): number => {
    const dimensions = dimensionsOf(dialect.read(answer, 1, headers).rows[0]);
    if (dimensions > 0) return dimensions;
    throw new MalformedAnswerError('it gives no vector');
  };
  try {
    return { dialect, dimensions: await asker.ask(call, read, signals, { insist: false }) };
  } catch (error) {
    if (!(error instanceof RefusedError) || dialect.plainer === undefined) throw error;
    return sample(asker, dialect.plainer, signals);
  }
}

import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiKey } from './api-key.ts';
import { MalformedAnswerError } from './errors.ts';
import { type Asked, clean, type Fault, malformedFault, noAnswerFault, statusFault } from './faults.ts';
import type { RemoteTarget } from './target.ts';
import { type Answer, type Call, NoAnswerError, type Signals, type Transport } from './transport.ts';

/** What happens between this program and a server of models. */
export type RemoteEvent =
  /** A request failed and is sent again. */
  | { readonly type: 'retried'; readonly reason: string; readonly waitMs: number }
  /** The server takes fewer texts in one request than it was sent; from now on it is sent at most so many. */
  | { readonly type: 'batch-reduced'; readonly texts: number };

export interface Patience {
  /** How often a request is sent at most. */
  readonly tries: number;
  /** The wait after the first try; it doubles from try to try. */
  readonly backoffMs: number;
}

export interface AskerOptions {
  readonly target: RemoteTarget;
  readonly transport: Transport;
  readonly key: ApiKey | null;
  readonly patience: Patience;
  readonly emit: (event: RemoteEvent) => void;
}

/** Makes of an answer what is wanted of it. @throws MalformedAnswerError */
export type Reader<Result> = (answer: unknown, headers: IncomingHttpHeaders) => Result;

export interface AskOptions {
  /** Default: as {@link Patience} says. */
  readonly tries?: number | undefined;
  /** Try again where nobody is there. Default true. */
  readonly insist?: boolean | undefined;
}

const MAX_BACKOFF_MS = 30_000;
/** Asked to wait longer than this, the run ends: what is pending stays so. */
const MAX_WAIT_MS = 120_000;

/** Asks a server, and asks again where that may help. */
export class Asker {
  readonly target: RemoteTarget;
  readonly #transport: Transport;
  readonly #key: ApiKey | null;
  readonly #patience: Patience;
  readonly #emit: (event: RemoteEvent) => void;
  /** No request is sent before: the server has asked one of them to wait, and means all. */
  #pausedUntil = 0;

  constructor(options: AskerOptions) {
    this.target = options.target;
    this.#transport = options.transport;
    this.#key = options.key;
    this.#patience = options.patience;
    this.#emit = options.emit;
  }

  /**
   * @throws RefusedError where it is about what was sent; RemoteKeyError; RemoteError; the reason of a signal
   */
  async ask<Result>(
    call: Call,
    read: Reader<Result>,
    signals: Signals,
    options: AskOptions = {},
  ): Promise<Result> {
    const { tries = this.#patience.tries, insist = true } = options;
    for (let attempt = 1; ; attempt++) {
      while (this.#pausedUntil > performance.now()) await pauseUntil(this.#pausedUntil, signals.soft);
      signals.soft.throwIfAborted();
      const outcome = await this.#try(call, read, signals);
      if ('result' in outcome) return outcome.result;
      const { error, again, absent, busy } = outcome.fault;
      const waitMs = this.#wait(attempt, busy?.waitMs ?? null);
      const hopeless = !again || attempt >= tries || waitMs > MAX_WAIT_MS || (absent === true && !insist);
      if (hopeless) throw error;
      this.#emit({ type: 'retried', reason: error.message, waitMs });
      const until = performance.now() + waitMs;
      if (busy) this.#pausedUntil = Math.max(this.#pausedUntil, until);
      await pauseUntil(until, signals.soft);
    }
  }

  /** A name that the server gave, fit to be shown and stored. */
  clean(name: string): string {
    return clean(name, this.#key);
  }

  async #try<Result>(
    call: Call,
    read: Reader<Result>,
    signals: Signals,
  ): Promise<{ result: Result } | { fault: Fault }> {
    const asked: Asked = { url: this.target.origin + call.path, kind: this.target.kind, key: this.#key };
    let answer: Answer;
    try {
      answer = await this.#transport.send(call, this.#key?.authorization ?? null, signals);
    } catch (error) {
      if (error instanceof NoAnswerError) return { fault: noAnswerFault(asked, error) };
      throw error;
    }
    if (answer.status < 200 || answer.status >= 300) return { fault: statusFault(asked, answer) };
    try {
      return { result: read(parse(answer.text), answer.headers) };
    } catch (error) {
      if (!(error instanceof MalformedAnswerError)) throw error;
      return { fault: malformedFault(asked, answer.status, error.message) };
    }
  }

  /** Doubles from try to try, with a random part, so that clients that failed together do not come back together. */
  #wait(attempt: number, askedMs: number | null): number {
    const { backoffMs } = this.#patience;
    if (askedMs !== null && askedMs > 0) return Math.round(askedMs + Math.random() * backoffMs);
    const longest = Math.min(MAX_BACKOFF_MS, backoffMs * 2 ** (attempt - 1));
    return Math.round(longest * (0.5 + Math.random() / 2));
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedAnswerError('it is not JSON');
  }
}

/** @throws the signal's reason */
async function pauseUntil(time: number, signal: AbortSignal): Promise<void> {
  const milliseconds = Math.max(0, time - performance.now());
  await sleep(milliseconds, null, { signal }).catch(() => signal.throwIfAborted());
}

import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { MemoryBudget } from '../../memory/budget.ts';
import { LinkedAbort } from '../../memory/linked-abort.ts';
import { RemoteError } from './errors.ts';

export interface Call {
  readonly method: 'GET' | 'POST';
  /** Below the origin. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** An answer above this is not read. */
  readonly maxAnswerBytes: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Of an error only the beginning. */
  readonly text: string;
}

/** When to give up. */
export interface Signals {
  /** Nothing new is begun. */
  readonly soft: AbortSignal;
  /** What is under way ends too. */
  readonly hard: AbortSignal;
}

export interface TransportOptions {
  readonly origin: string;
  /** Requests at a time. */
  readonly connections: number;
  /** For one try from the connection to the last byte. */
  readonly timeoutMs: number;
  /** What requests and their answers may hold together, in bytes. */
  readonly inFlightBytes: number;
}

/** There was no answer, or none that ended. `again` says whether another try may help. */
export class NoAnswerError extends Error {
  readonly code: string;
  readonly again: boolean;

  constructor(message: string, code: string, again: boolean) {
    super(message);
    this.code = code;
    this.again = again;
  }
}

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_ERROR_BYTES = 8192;

/** Sends requests to one server through one pool of connections, or through the proxy that the environment names. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #dispatcher: Dispatcher;
  /** Counts requests: a proxy's pool and a pool that is being replaced do not share a bound. */
  readonly #slots: MemoryBudget;
  readonly #bytes: MemoryBudget;
  readonly #sending = new Set<Promise<Answer>>();

  private constructor(options: TransportOptions, dispatcher: Dispatcher) {
    this.#options = options;
    this.#dispatcher = dispatcher;
    this.#slots = new MemoryBudget(options.connections);
    this.#bytes = new MemoryBudget(options.inFlightBytes);
  }

  /** The caller closes it. @throws RemoteError when the environment's proxy is not an address */
  static async open(options: TransportOptions): Promise<Transport> {
    // Loaded only by who needs it.
    const { EnvHttpProxyAgent } = await import('undici');
    try {
      const dispatcher = new EnvHttpProxyAgent({
        connections: options.connections,
        pipelining: 1,
        connect: { timeout: Math.min(CONNECT_TIMEOUT_MS, options.timeoutMs) },
        // One timer over the whole try is enough.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      return new Transport(options, dispatcher);
    } catch {
      // What was caught holds the address, and that may hold a password.
      throw new RemoteError('HTTP_PROXY or HTTPS_PROXY is not an address; correct it', null);
    }
  }

  /**
   * One try. Waits while enough others are under way.
   * @throws NoAnswerError; the reason of a signal
   */
  async send(call: Call, authorization: string | null, signals: Signals): Promise<Answer> {
    const sending = this.#send(call, authorization, signals);
    this.#sending.add(sending);
    try {
      return await sending;
    } finally {
      this.#sending.delete(sending);
    }
  }

  async #send(call: Call, authorization: string | null, signals: Signals): Promise<Answer> {
    const body = call.body === undefined ? null : Buffer.from(JSON.stringify(call.body));
    using _slot = await this.#slots.take(1, 'connection', signals.soft);
    using _bytes = await this.#bytes.take((body?.length ?? 0) + call.maxAnswerBytes, 'call', signals.soft);
    const { timeoutMs, origin } = this.#options;
    using stop = new LinkedAbort(signals.hard);
    const timer = setTimeout(() => stop.abort(timeoutError(timeoutMs)), timeoutMs);
    try {
      signals.hard.throwIfAborted();
      const {
        statusCode,
        headers,
        body: answer,
      } = await this.#dispatcher.request({
        origin,
        path: call.path,
        method: call.method,
        headers: {
          accept: 'application/json',
          'user-agent': 'tidemark',
          ...(body === null ? {} : { 'content-type': 'application/json' }),
          ...(authorization === null ? {} : { authorization }),
        },
        body,
        signal: stop.signal,
      });
      const text = await read(answer, statusCode < 300 ? call.maxAnswerBytes : null);
      return { status: statusCode, headers, text };
    } catch (error) {
      signals.hard.throwIfAborted();
      throw error instanceof NoAnswerError ? error : noAnswer(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends what is still under way. Never rejects. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy().catch(() => {});
    await Promise.allSettled(this.#sending);
    this.#slots[Symbol.dispose]();
    this.#bytes[Symbol.dispose]();
  }
}

/** All of an answer, or with `limit` null the beginning of one. */
async function read(body: AsyncIterable<Buffer>, limit: number | null): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (limit !== null && bytes > limit) {
      throw new NoAnswerError(`the answer has more than ${limit} bytes`, 'TOO_LARGE', false);
    }
    parts.push(part);
    if (limit === null && bytes >= MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(parts).toString('utf8');
}

function timeoutError(timeoutMs: number): NoAnswerError {
  return new NoAnswerError(`no answer within ${timeoutMs / 1000} s`, 'TIMEOUT', true);
}

/** Keeps the words of an error and not the error: some carry what was received. */
function noAnswer(error: unknown): NoAnswerError {
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  // Several addresses that all failed give an error without a message.
  return new NoAnswerError(message === '' ? code : message, code, true);
}

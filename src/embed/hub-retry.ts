import { setTimeout } from 'node:timers/promises';

/** An answer that is not what was asked for. */
export class HttpStatusError extends Error {
  readonly status: number;
  /** What the hub calls it, such as `GatedRepo`; empty where it does not say. */
  readonly hubCode: string;
  /** How long the server wants to be left alone. */
  readonly retryAfterMs: number;

  constructor(status: number, where: string, hubCode: string, retryAfterMs: number) {
    super(`${where} answered ${status}${hubCode === '' ? '' : ` ${hubCode}`}`);
    this.status = status;
    this.hubCode = hubCode;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A body that ended early or does not continue what is there: worth another try. */
export class TransferError extends Error {}

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly timing: RetryTiming;
  /** Asked after a failure: whether so much came before it that it does not count as one more in a row. */
  readonly progressed?: () => boolean;
  readonly onRetry: (reason: string) => void;
}

export interface RetryTiming {
  /** Failures in a row after which it is given up. */
  readonly attempts: number;
  /** Before the second try; doubled each time. */
  readonly firstDelayMs: number;
}

const LONGEST_DELAY_MS = 60_000;
const TRANSIENT_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);
const TRANSIENT_CODE = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_SOCKET',
]);

/** Whether the same request may do better later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof TransferError) return true;
  if (error instanceof HttpStatusError) return TRANSIENT_STATUS.has(error.status);
  const code = codeOf(error);
  return TRANSIENT_CODE.has(code) || code.startsWith('HPE_');
}

/**
 * Does `work` until it succeeds, with growing and scattered pauses, so that many clients do not come back at once.
 * @throws what `work` throws, when that is not transient or has happened too often in a row; the signal's reason
 */
export async function retry<Result>(work: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  const { signal, timing, progressed, onRetry } = options;
  for (let failures = 0; ; ) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      failures = progressed?.() ? 1 : failures + 1;
      if (!isTransient(error) || failures >= timing.attempts) throw error;
      const scatter = 0.5 + Math.random() / 2;
      const backoff = timing.firstDelayMs * 2 ** (failures - 1) * scatter;
      const asked = error instanceof HttpStatusError ? error.retryAfterMs : 0;
      onRetry(reasonOf(error));
      await setTimeout(Math.min(LONGEST_DELAY_MS, Math.max(backoff, asked)), undefined, { signal }).catch(
        () => signal.throwIfAborted(),
      );
    }
  }
}

/** One line; several addresses that all refuse come as an error without a message. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
  return message || codeOf(error) || 'no answer';
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

import { type ApiKey, missingKeyAdvice } from './api-key.ts';
import { RefusedError, RemoteError, RemoteKeyError } from './errors.ts';
import type { RemoteKind } from './target.ts';
import type { Answer, NoAnswerError } from './transport.ts';

/** What came instead of an answer that can be used. */
export interface Fault {
  /** To be thrown where no other try is made. */
  readonly error: RemoteError;
  /** Another try may help. */
  readonly again: boolean;
  /** Nobody is there, or too slow to answer at all. */
  readonly absent?: boolean;
  /** The server asks every client to wait: for so long, or for as long as the client thinks best. */
  readonly busy?: { readonly waitMs: number | null };
}

/** Who asked whom, for messages. */
export interface Asked {
  /** Address without anything secret. */
  readonly url: string;
  readonly kind: RemoteKind | null;
  readonly key: ApiKey | null;
}

const MAX_WORDS = 200;
const ABSENT = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** What no other try would change. */
const CERTIFICATE = /CERT|^ERR_(?:TLS|SSL)_|^UNABLE_TO_/;
/** About the texts, or about how many of them. */
const REFUSED = new Set([400, 413, 422]);
/** Faults of a server that a text may have caused: if they stay, other texts may still do. */
const PERHAPS_THE_TEXTS = new Set([424, 500]);
const BUSY = new Set([429, 503]);
/** Too many requests for ever, not for now. */
const SPENT = /insufficient_quota/;

/** Why there was no answer. */
export function noAnswerFault(asked: Asked, { message, code, again }: NoAnswerError): Fault {
  const words = clean(message, asked.key);
  const absent = ABSENT.has(code);
  const problem = absent || CERTIFICATE.test(code) ? 'cannot be reached' : 'gives no whole answer';
  const advice = absent
    ? ' Start the server, or correct the address in --model.'
    : CERTIFICATE.test(code)
      ? ' For a certificate of your own set NODE_EXTRA_CA_CERTS.'
      : '';
  const cause = new Error(code === '' ? words : `${code}: ${words}`);
  const error = new RemoteError(`${asked.url} ${problem}: ${words}.${advice}`, null, { cause });
  return { error, again: again && !CERTIFICATE.test(code), absent: absent || code === 'TIMEOUT' };
}

/** An answer that is not what the API promises. */
export function malformedFault(asked: Asked, status: number, reason: string): Fault {
  const words = clean(reason, asked.key);
  return {
    error: new RemoteError(`${asked.url} does not answer as an embedding server does: ${words}.`, status),
    again: true,
  };
}

/** What an answer other than 2xx means. */
export function statusFault(asked: Asked, { status, headers, text }: Answer): Fault {
  const { url, kind, key } = asked;
  if (status === 401 || status === 403) {
    // The words of the server are left out: some repeat parts of the key.
    const message =
      key === null
        ? `${url} asks for a key (${status}); ${missingKeyAdvice(kind)}.`
        : `${url} does not accept the key in ${key.variable} (${status}); set a valid one.`;
    return { error: new RemoteKeyError(message, status), again: false };
  }
  const words = clean(wordsOf(text), key);
  const said = `${url} answers ${status}${words === '' ? '' : `: ${words}`}`;
  if (status >= 300 && status < 400) {
    const to = originOf(headers.location);
    return final(`${said}; no redirect is followed. Give the address${to} itself in --model.`, status);
  }
  if (status === 404 || status === 405) {
    return final(`${said}. Check the path and the model's name in --model.`, status);
  }
  if (BUSY.has(status) && !(status === 429 && SPENT.test(text))) {
    const error = new RemoteError(`${said}. Try again later; what is embedded is kept.`, status);
    return { error, again: true, busy: { waitMs: retryAfterMs(headers['retry-after']) } };
  }
  if (REFUSED.has(status)) return { error: new RefusedError(`${said}.`, status, words), again: false };
  if (PERHAPS_THE_TEXTS.has(status)) {
    return { error: new RefusedError(`${said}.`, status, words), again: true };
  }
  return { error: new RemoteError(`${said}.`, status), again: status > 500 || status === 408 };
}

/** Milliseconds from now; null for a header that is missing or says nothing. It is in seconds or a date. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | null {
  if (header === undefined) return null;
  if (/^\s*\d+(?:\.\d+)?\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** One line without the key, control characters or more than a line's length. */
export function clean(text: string, key: ApiKey | null): string {
  const line = (key?.redact(text) ?? text).replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length <= MAX_WORDS ? line : `${line.slice(0, MAX_WORDS)}...`;
}

function final(message: string, status: number): Fault {
  return { error: new RemoteError(message, status), again: false };
}

/** What the server says in its own shape: `{ error: { message } }`, `{ error }`, `{ message }` or `{ detail }`. */
function wordsOf(text: string): string {
  try {
    const { error, message, detail } = JSON.parse(text) as Record<string, unknown>;
    const inner =
      typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : error;
    const words = [inner, message, detail].find((value) => typeof value === 'string');
    return words === undefined ? text : String(words);
  } catch {
    // A page of HTML says less than its status.
    return text.trimStart().startsWith('<') ? '' : text;
  }
}

function originOf(location: string | string[] | undefined): string {
  try {
    return ` at ${new URL(String(location)).origin}`;
  } catch {
    return '';
  }
}

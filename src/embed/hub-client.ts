import type { Dispatcher, EnvHttpProxyAgent } from 'undici';
import { ModelDownloadError } from './errors.ts';
import { HttpStatusError, type RetryTiming } from './hub-retry.ts';
import type { HubSettings } from './hub-settings.ts';

export interface HubTiming extends RetryTiming {
  /** Until a connection stands, until an answer begins, and between two parts of it. */
  readonly connectMs: number;
  readonly answerMs: number;
  readonly silenceMs: number;
}

export const HUB_TIMING: HubTiming = {
  connectMs: 10_000,
  answerMs: 30_000,
  silenceMs: 30_000,
  attempts: 6,
  firstDelayMs: 500,
};

type Headers = Readonly<Record<string, string>>;

export interface HubResponse {
  readonly status: number;
  readonly headers: Headers;
  /** Of the hub's own answer, where it sent on to another server: it knows the file. */
  readonly hubHeaders: Headers;
  /** Read to its end or destroyed by the caller. */
  readonly body: Dispatcher.ResponseData['body'];
}

export interface HubRequest {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Headers;
  readonly signal: AbortSignal;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 5;
const MAX_JSON_BYTES = 32 << 20;
const MAX_RETRY_AFTER_S = 60;

/** Requests to a hub, through the proxy that the environment names. The caller closes it. */
export class HubClient implements AsyncDisposable {
  readonly endpoint: string;
  readonly timing: HubTiming;
  readonly #token: string | null;
  readonly #agent: EnvHttpProxyAgent;
  readonly #request: typeof import('undici').request;

  private constructor(
    settings: HubSettings,
    timing: HubTiming,
    agent: EnvHttpProxyAgent,
    request: typeof import('undici').request,
  ) {
    this.endpoint = settings.endpoint;
    this.timing = timing;
    this.#token = settings.token;
    this.#agent = agent;
    this.#request = request;
  }

  /** @throws ModelDownloadError when the proxy's address is none */
  static async open(settings: HubSettings, timing: HubTiming = HUB_TIMING): Promise<HubClient> {
    // Loaded here, as it takes some megabytes, and most runs download nothing.
    const { EnvHttpProxyAgent, request } = await import('undici');
    try {
      const agent = new EnvHttpProxyAgent({
        connections: 2,
        connect: { timeout: timing.connectMs },
        headersTimeout: timing.answerMs,
        bodyTimeout: timing.silenceMs,
        // Plain HTTP goes through a proxy as HTTP: many of them open tunnels for TLS alone.
        proxyTunnel: false,
      });
      return new HubClient(settings, timing, agent, request);
    } catch (cause) {
      // The address is not repeated, as it may hold a password.
      throw new ModelDownloadError('HTTPS_PROXY or HTTP_PROXY is not the address of a proxy. Correct it.', {
        cause,
      });
    }
  }

  /**
   * Follows redirects; the token goes to the endpoint's own host alone.
   * @throws HttpStatusError for any status but 200, 206 and 416; what the connection throws; the signal's reason
   */
  async fetch(path: string, { method = 'GET', headers = {}, signal }: HubRequest): Promise<HubResponse> {
    let url = new URL(`${this.endpoint}/${path}`);
    const home = url.origin;
    let hubHeaders: Headers | undefined;
    for (let redirects = 0; ; redirects++) {
      signal.throwIfAborted();
      const response = await this.#request(url, {
        method,
        headers: {
          'user-agent': 'tidemark',
          'accept-encoding': 'identity',
          ...headers,
          ...(this.#token !== null && mayKnow(url, home) ? { authorization: `Bearer ${this.#token}` } : {}),
        },
        dispatcher: this.#agent,
        signal,
        headersTimeout: this.timing.answerMs,
        bodyTimeout: this.timing.silenceMs,
      });
      const received = flatten(response.headers);
      const { statusCode: status, body } = response;
      if (status === 200 || status === 206 || status === 416) {
        return { status, headers: received, hubHeaders: hubHeaders ?? received, body };
      }
      await body.dump({ limit: 64 << 10 }).catch(() => {});
      // What the hub itself says about a file is in the last answer of its own.
      if (url.origin === home) hubHeaders = received;
      const target = REDIRECTS.has(status) ? received.location : undefined;
      if (target === undefined || redirects === MAX_REDIRECTS) {
        const code = received['x-error-code'] ?? '';
        throw new HttpStatusError(status, describe(url), code, retryAfterMs(received['retry-after']));
      }
      url = redirected(target, url);
    }
  }

  /** @throws as {@link fetch}; ModelDownloadError when the answer is not JSON */
  async json(path: string, signal: AbortSignal): Promise<unknown> {
    const { body } = await this.fetch(path, { signal });
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of body) {
      length += (part as Buffer).length;
      if (length > MAX_JSON_BYTES) break;
      parts.push(part as Buffer);
    }
    try {
      return JSON.parse(Buffer.concat(parts).toString('utf8'));
    } catch (cause) {
      throw new ModelDownloadError(
        `${this.endpoint} does not answer as a model hub does (no JSON). Check HF_ENDPOINT and the proxy.`,
        { cause },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

/** In the clear, a token goes to this machine only. */
function mayKnow(url: URL, home: string): boolean {
  const local = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  return url.origin === home && (url.protocol === 'https:' || local);
}

function redirected(target: string, from: URL): URL {
  const url = URL.canParse(target, from.href) ? new URL(target, from) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new ModelDownloadError(`${describe(from)} redirects to what is no address. Check HF_ENDPOINT.`);
}

/** Without the query, which may hold a signature, and without a user. */
function describe(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function flatten(headers: Record<string, string | string[] | undefined>): Headers {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0]! : (value ?? '')]),
  );
}

function retryAfterMs(value: string | undefined): number {
  if (!value) return 0;
  const seconds = Number(value);
  const wait = Number.isFinite(seconds) ? seconds : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), MAX_RETRY_AFTER_S) * 1000 : 0;
}

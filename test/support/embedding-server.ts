import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { Embedder } from '../../src/embed/embedder.ts';
import { sharedCache } from './model-dirs.ts';

export const SERVED_MODEL = 'sentence-transformers/all-MiniLM-L6-v2';

export type Kind = 'openai' | 'tei' | 'ollama';

/** A request for vectors, as it came in. */
export interface Received {
  readonly kind: Kind;
  readonly texts: readonly string[];
  readonly body: Record<string, unknown>;
  readonly authorization: string | undefined;
  /** `performance.now()` when it was read. */
  readonly time: number;
}

/** Answers a request in the place of the server; false to leave it to the server after all. */
export type Fault = (request: Received, response: ServerResponse) => unknown;

export interface EmbeddingServerOptions {
  /** The APIs that there are. Default: all. */
  readonly kinds?: readonly Kind[];
  /** What must be sent as a key. */
  readonly key?: string;
  /** Texts in one request at most. */
  readonly maxTexts?: number;
  /** Characters in one text at most; said the way OpenAI says it. */
  readonly maxCharacters?: number;
  /** What Text Embeddings Inference tells of its model. */
  readonly maxTokens?: number;
}

// One for all servers of a test file, and each text only once: the model is real, and there are two cores.
const model = new Embedder({ cacheDir: sharedCache });
const known = new Map<string, Float32Array>();

/** The vectors of the bundled model, computed here. */
export async function localVectors(texts: readonly string[]): Promise<Float32Array[]> {
  const missing = [...new Set(texts)].filter((text) => !known.has(text));
  const { vectors } = await model.embed(missing);
  const dimensions = vectors.length / missing.length;
  for (const [at, text] of missing.entries()) {
    known.set(text, vectors.slice(at * dimensions, (at + 1) * dimensions));
  }
  return texts.map((text) => known.get(text)!);
}

/** An HTTP server with the bundled model behind the APIs of three kinds of embedding server. */
export class EmbeddingServer {
  readonly received: Received[] = [];
  /** What goes wrong with the next requests for vectors, one after the other; null for nothing. */
  readonly faults: (Fault | null)[] = [];
  /** Requests of all kinds, as `GET /path`. */
  readonly log: string[] = [];
  /** The most requests for vectors that were ever under way at the same time. */
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #options: EmbeddingServerOptions;
  readonly #server: Server;

  constructor(options: EmbeddingServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error) => response.destroy(error));
    });
  }

  /** Listens until the test ends. */
  static async start(context: TestContext, options: EmbeddingServerOptions = {}): Promise<EmbeddingServer> {
    const server = new EmbeddingServer(options);
    await server.listen(0);
    context.after(() => server.stop());
    return server;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  /** Cuts all connections. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.log.push(`${request.method} ${request.url}`);
    const { key, maxTokens = 256, maxTexts = 512 } = this.#options;
    const route = ROUTES[`${request.method} ${request.url}`];
    if (route === undefined || !(this.#options.kinds ?? ['openai', 'tei', 'ollama']).includes(route.kind)) {
      reply(response, 404, { error: { message: `no route ${request.url}` } });
      return;
    }
    if (key !== undefined && request.headers.authorization !== `Bearer ${key}`) {
      const message = `Incorrect API key provided: ${request.headers.authorization}`;
      reply(response, 401, { error: { message } });
      return;
    }
    const body = request.method === 'POST' ? ((await json(request)) as Record<string, unknown>) : {};
    if (!('embed' in route)) {
      const [status, answer] = route.answer(body, { maxTokens, maxTexts });
      reply(response, status, answer);
      return;
    }
    this.#atOnce++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    response.once('close', () => this.#atOnce--);
    const texts = (body.input ?? body.inputs) as string[];
    const { kind } = route;
    const { authorization } = request.headers;
    const received = { kind, texts, body, authorization, time: performance.now() };
    this.received.push(received);
    const fault = this.faults.shift() ?? null;
    if (fault !== null && (await fault(received, response)) !== false) return;
    const refusal = this.#refusal(texts);
    if (refusal !== null) reply(response, ...refusal);
    else reply(response, 200, route.embed(await localVectors(texts), body));
  }

  #refusal(texts: readonly string[]): [number, unknown] | null {
    const { maxTexts = 512, maxCharacters = 1e6 } = this.#options;
    if (texts.length > maxTexts) {
      const error = `batch size ${texts.length} > maximum allowed batch size ${maxTexts}`;
      return [422, { error, error_type: 'Validation' }];
    }
    const long = texts.find((text) => text.length > maxCharacters);
    if (long === undefined) return null;
    const message = `This model's maximum context length is ${maxCharacters} tokens, however you requested ${long.length} tokens.`;
    return [400, { error: { message, type: 'invalid_request_error' } }];
  }
}

type Limits = { readonly maxTokens: number; readonly maxTexts: number };
type Route =
  | { kind: Kind; answer(body: Record<string, unknown>, limits: Limits): [number, unknown] }
  | { kind: Kind; embed(vectors: readonly Float32Array[], body: Record<string, unknown>): unknown };

const openai: Route = {
  kind: 'openai',
  embed: (vectors, body) => ({
    object: 'list',
    model: SERVED_MODEL,
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: body.encoding_format === 'base64' ? base64(vector) : [...vector],
    })),
    usage: { prompt_tokens: 7 * vectors.length, total_tokens: 7 * vectors.length },
  }),
};

const ROUTES: Readonly<Record<string, Route>> = {
  'GET /info': {
    kind: 'tei',
    answer: (_, { maxTokens, maxTexts }) => [
      200,
      {
        model_id: SERVED_MODEL,
        model_dtype: 'float32',
        model_type: { embedding: { pooling: 'mean' } },
        max_concurrent_requests: 512,
        max_input_length: maxTokens,
        max_batch_tokens: 16384,
        max_client_batch_size: maxTexts,
      },
    ],
  },
  'POST /embed': { kind: 'tei', embed: (vectors) => vectors.map((vector) => [...vector]) },
  'GET /api/version': { kind: 'ollama', answer: () => [200, { version: '0.12.0' }] },
  'GET /api/tags': { kind: 'ollama', answer: () => [200, { models: [{ name: 'all-minilm:latest' }] }] },
  'POST /api/show': {
    kind: 'ollama',
    answer: ({ model }) =>
      /^all-minilm(?::latest)?$/.test(String(model))
        ? [200, { model_info: { 'general.architecture': 'bert', 'bert.context_length': 512 } }]
        : [404, { error: `model '${model}' not found` }],
  },
  'POST /api/embed': {
    kind: 'ollama',
    embed: (vectors, { model }) => ({
      model,
      embeddings: vectors.map((vector) => [...vector]),
      prompt_eval_count: 5 * vectors.length,
    }),
  },
  'GET /v1/models': { kind: 'openai', answer: () => [200, { object: 'list', data: [{ id: SERVED_MODEL }] }] },
  'POST /v1/embeddings': openai,
  'POST /proxy/v1/embeddings': openai,
};

function base64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

export function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

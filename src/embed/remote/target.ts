import { ModelUrlError } from './errors.ts';

/**
 * A model on a server, as `--model` names it:
 *
 *     http://localhost:8080                                       what the server is, is found out by asking it
 *     http://localhost:11434#nomic-embed-text                     the model's name is behind the #
 *     https://api.openai.com/v1#text-embedding-3-small            an address that ends in /v1 is taken for OpenAI's API
 *     tei+http://...  ollama+http://...  openai+https://...       says what the server is, and nothing is asked
 *
 * `openai` is any server with OpenAI's `/embeddings` (vLLM, llama.cpp, LM Studio, most services), `tei` is Hugging Face's
 * Text Embeddings Inference, which serves one model and needs no name, and `ollama` is Ollama. A name may be left out
 * where the server has one model only. The path is what the server's own paths stand under.
 *
 * A key comes from the environment and never from the address, where it would be seen by every process and kept by the
 * shell: TIDEMARK_API_KEY, or OPENAI_API_KEY for `openai`. It goes to the host of the address alone, no redirect is
 * followed, and OPENAI_API_KEY is not sent unencrypted to another machine.
 */
export interface RemoteTarget {
  /** Null: to be found out. */
  readonly kind: RemoteKind | null;
  readonly origin: string;
  /** Begins with a slash and does not end with one; or empty. */
  readonly path: string;
  readonly model: string | null;
  /** What the vectors are to be cut to by the server; null for all that the model has. */
  readonly dimensions: number | null;
}

export type RemoteKind = 'openai' | 'tei' | 'ollama';

const KINDS: readonly string[] = ['openai', 'tei', 'ollama'] satisfies RemoteKind[];
const SCHEME = /^(?:([a-z0-9.-]+)\+)?(https?:\/\/.*)$/is;
/** Endpoints that are pasted whole; the base is what is before them. */
const ENDPOINT = /\/(?:embeddings|embed|api\/embed)$/;

/** Whether `--model` names a server, not a directory or an id. */
export function isRemoteModel(model: string): boolean {
  return SCHEME.test(model);
}

/** @throws ModelUrlError */
export function parseTarget(model: string, dimensions: number | null = null): RemoteTarget {
  const [, prefix, address = ''] = SCHEME.exec(model) ?? [];
  const kind = prefix?.toLowerCase() ?? null;
  if (kind !== null && !KINDS.includes(kind)) {
    throw new ModelUrlError(`--model: there is no server of kind ${kind}; write one of ${KINDS.join(', ')}`);
  }
  const url = parseUrl(address);
  const secret = 'a key comes from the environment: set TIDEMARK_API_KEY';
  // Of a key with a slash in it the parser takes one half for the host.
  if (address.split('#', 1)[0]!.includes('@')) {
    throw new ModelUrlError(`--model: the address must not hold a user name or password; ${secret}`);
  }
  if (url.search !== '') throw new ModelUrlError(`--model: the address must not have a query; ${secret}`);
  const path = url.pathname.replace(/\/+$/, '').replace(ENDPOINT, '');
  return {
    kind: kind as RemoteKind | null,
    origin: url.origin,
    path: kind === 'openai' && path === '' ? '/v1' : path,
    model: url.hash.length < 2 ? null : decoded(url.hash.slice(1)),
    dimensions,
  };
}

function parseUrl(address: string): URL {
  try {
    return new URL(address);
  } catch {
    // The error of the parser holds the whole address.
    throw new ModelUrlError('--model is not an address; write http://HOST:PORT/PATH#MODEL');
  }
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

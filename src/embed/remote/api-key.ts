import { isIP } from 'node:net';
import { ModelUrlError } from './errors.ts';
import type { RemoteKind, RemoteTarget } from './target.ts';

const OWN_VARIABLE = 'TIDEMARK_API_KEY';
const OPENAI_VARIABLE = 'OPENAI_API_KEY';

/** A key of the environment. It can be sent, and taken out of a text; nothing else shows it. */
export class ApiKey {
  /** Where it comes from. */
  readonly variable: string;
  readonly #value: string;

  private constructor(variable: string, value: string) {
    this.variable = variable;
    this.#value = value;
  }

  /**
   * The key for a server; null where none is set. `kind` is null as long as it is not known.
   * @throws ModelUrlError when it cannot be sent
   */
  static fromEnvironment(
    target: RemoteTarget,
    kind: RemoteKind | null,
    env: NodeJS.ProcessEnv = process.env,
  ): ApiKey | null {
    const variable = variableFor(target, kind).find((name) => (env[name] ?? '').trim() !== '');
    if (variable === undefined) return null;
    const value = env[variable]!.trim();
    if (!/^[\x21-\x7e]+$/.test(value)) {
      throw new ModelUrlError(`${variable} holds characters that a key cannot have; set it anew`);
    }
    return new ApiKey(variable, value);
  }

  get authorization(): string {
    return `Bearer ${this.#value}`;
  }

  /** The text without the key, as it is or as it looks in an address. */
  redact(text: string): string {
    return text.replaceAll(this.#value, '***').replaceAll(encodeURIComponent(this.#value), '***');
  }
}

/** What to set where a key is missing. */
export function missingKeyAdvice(kind: RemoteKind | null): string {
  return kind === 'openai' ? `set ${OWN_VARIABLE} or ${OPENAI_VARIABLE}` : `set ${OWN_VARIABLE}`;
}

function variableFor({ origin }: RemoteTarget, kind: RemoteKind | null): string[] {
  const { protocol, hostname } = new URL(origin);
  // It may be there for another service: it is not shown to a network by somebody who did not think of it.
  const safe = protocol === 'https:' || isLoopback(hostname);
  return kind === 'openai' && safe ? [OWN_VARIABLE, OPENAI_VARIABLE] : [OWN_VARIABLE];
}

function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isIP(hostname) === 4 && hostname.startsWith('127.');
}

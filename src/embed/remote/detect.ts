import type { Asker } from './asker.ts';
import { field, listField } from './dialect.ts';
import { MalformedAnswerError, RemoteError, RemoteKeyError } from './errors.ts';
import type { RemoteKind } from './target.ts';
import { assertInfo } from './tei.ts';
import type { Signals } from './transport.ts';

export interface Detected {
  readonly kind: RemoteKind;
  /** The path of the address, or what it is to be with the rest of the API's base. */
  readonly path: string;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

interface Probe extends Detected {
  readonly ask: string;
  readonly check: (answer: unknown) => unknown;
}

/**
 * Finds out what a server is by what only one of the three answers.
 * @throws RemoteKeyError, RemoteError
 */
export async function detect(asker: Asker, signals: Signals): Promise<Detected> {
  const { path, origin, kind } = asker.target;
  if (kind !== null) return { kind, path };
  if (path.endsWith('/v1')) return { kind: 'openai', path };
  const models = (answer: unknown): unknown => listField(answer, 'data');
  const probes: Probe[] = [
    { kind: 'tei', path, ask: '/info', check: assertInfo },
    { kind: 'ollama', path, ask: '/api/version', check: assertVersion },
    { kind: 'openai', path: `${path}/v1`, ask: '/v1/models', check: models },
    { kind: 'openai', path, ask: '/models', check: models },
  ];
  const guarded: { probe: Probe; error: RemoteKeyError }[] = [];
  const statuses: string[] = [];
  for (const probe of probes) {
    const call = { method: 'GET', path: path + probe.ask, maxAnswerBytes: MAX_ANSWER_BYTES } as const;
    try {
      await asker.ask(call, probe.check, signals, { tries: 2, insist: false });
      return probe;
    } catch (error) {
      if (!(error instanceof RemoteError) || error.status === null) throw error;
      if (error instanceof RemoteKeyError) guarded.push({ probe, error });
      statuses.push(`${probe.ask} ${error.status}`);
    }
  }
  // A server that guards one API and does not have the others has told enough.
  const [first] = guarded;
  if (first?.probe.kind === 'openai') return first.probe;
  if (first) throw first.error;
  throw new RemoteError(
    `${origin}${path} is none of the servers that tidemark knows (${statuses.join(', ')}). ` +
      'Correct the path, or say what it is: openai+, tei+ or ollama+ before the address.',
    null,
  );
}

function assertVersion(answer: unknown): void {
  if (typeof field(answer, 'version') !== 'string') throw new MalformedAnswerError('it names no version');
}

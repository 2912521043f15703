import { ModelInvalidError, ModelNotFoundError } from '../errors.ts';
import type { Asker } from './asker.ts';
import { assertCount, type Dialect, field, positive } from './dialect.ts';
import { MalformedAnswerError } from './errors.ts';
import type { Signals } from './transport.ts';

const MAX_INFO_BYTES = 64 * 1024;

/** Hugging Face's Text Embeddings Inference: one model a server, and it tells its limits. */
export async function teiDialect(asker: Asker, signals: Signals): Promise<Dialect> {
  const { path, origin, dimensions, model: wanted } = asker.target;
  const call = { method: 'GET', path: `${path}/info`, maxAnswerBytes: MAX_INFO_BYTES } as const;
  const info = await asker.ask(call, (answer) => assertInfo(answer), signals, { insist: false });
  const model = asker.clean(info.model_id);
  if (info.model_type !== undefined && field(info.model_type, 'embedding') === undefined) {
    throw new ModelInvalidError(
      `${origin} serves ${model}, which is not an embedding model; use another server.`,
    );
  }
  if (wanted !== null && wanted !== model) {
    throw new ModelNotFoundError(`${origin} serves ${model} and not ${wanted}; correct --model.`);
  }
  return {
    kind: 'tei',
    model,
    hubName: model,
    maxTokens: positive(info.max_input_length),
    maxTexts: positive(info.max_client_batch_size),
    path: `${path}/embed`,
    body: (texts) => ({ inputs: texts, truncate: true, ...(dimensions === null ? {} : { dimensions }) }),
    read: (answer, count, headers) => {
      if (!Array.isArray(answer)) throw new MalformedAnswerError('it is not a list of vectors');
      assertCount(answer, count);
      return { rows: answer, tokens: positive(Number(headers['x-compute-tokens'])) ?? 0 };
    },
  };
}

interface TeiInfo {
  readonly model_id: string;
  readonly model_type?: unknown;
  readonly max_input_length?: unknown;
  readonly max_client_batch_size?: unknown;
}

/** What `/info` answers. @throws MalformedAnswerError where it is not this server's */
export function assertInfo(answer: unknown): TeiInfo {
  if (typeof field(answer, 'model_id') === 'string') return answer as TeiInfo;
  throw new MalformedAnswerError('/info names no model');
}

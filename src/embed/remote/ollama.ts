import { ModelNotFoundError } from '../errors.ts';
import type { Asker } from './asker.ts';
import { assertCount, type Dialect, field, listField, positive } from './dialect.ts';
import { RemoteError } from './errors.ts';
import { nameOf } from './model-name.ts';
import type { Signals } from './transport.ts';

/** Of a large model it holds every tensor's name and the whole license. */
const MAX_SHOW_BYTES = 16 * 1024 * 1024;

/** Of models that Ollama calls in another way, as far as it matters how they are prompted. */
const HUB_NAMES: Readonly<Record<string, string>> = {
  'bge-large': 'bge-large-en-v1.5',
  'mxbai-embed-large': 'mxbai-embed-large-v1',
  'nomic-embed-text': 'nomic-embed-text-v1.5',
  'qwen3-embedding': 'qwen3-embedding-0.6b',
  'snowflake-arctic-embed': 'snowflake-arctic-embed-l',
  'snowflake-arctic-embed2': 'snowflake-arctic-embed-l-v2.0',
};

/** Ollama's own API. */
export async function ollamaDialect(asker: Asker, signals: Signals): Promise<Dialect> {
  const { path, dimensions } = asker.target;
  const get = { method: 'GET', path: `${path}/api/tags`, maxAnswerBytes: MAX_SHOW_BYTES } as const;
  const name = await nameOf(asker, () =>
    asker.ask(get, (answer) => listField(answer, 'models').map((entry) => field(entry, 'name')), signals, {
      insist: false,
    }),
  );
  const maxTokens = await contextLength(asker, name, signals);
  const bare = name.replace(/:[^/]*$/, '');
  return {
    kind: 'ollama',
    // As Ollama reads it: the same model must not have two names.
    model: bare === name ? `${name}:latest` : name,
    hubName: HUB_NAMES[bare] ?? bare,
    maxTokens,
    maxTexts: null,
    path: `${path}/api/embed`,
    body: (texts) => ({
      model: name,
      input: texts,
      truncate: true,
      ...(dimensions === null ? {} : { dimensions }),
    }),
    read: (answer, count) => {
      const rows = listField(answer, 'embeddings');
      assertCount(rows, count);
      return { rows, tokens: positive(field(answer, 'prompt_eval_count')) ?? 0 };
    },
  };
}

/** @throws ModelNotFoundError */
async function contextLength(asker: Asker, model: string, signals: Signals): Promise<number | null> {
  const call = {
    method: 'POST',
    path: `${asker.target.path}/api/show`,
    body: { model },
    maxAnswerBytes: MAX_SHOW_BYTES,
  } as const;
  try {
    return await asker.ask(
      call,
      (answer) => {
        const info = field(answer, 'model_info');
        return positive(field(info, `${field(info, 'general.architecture')}.context_length`));
      },
      signals,
      { insist: false },
    );
  } catch (error) {
    if (!(error instanceof RemoteError) || error.status !== 404) throw error;
    throw new ModelNotFoundError(
      `${asker.target.origin} has no model ${model}. Run there: ollama pull ${model}`,
    );
  }
}

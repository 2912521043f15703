import type { Asker } from './asker.ts';
import { assertCount, type Dialect, field, listField, positive } from './dialect.ts';
import { MalformedAnswerError } from './errors.ts';
import { nameOf } from './model-name.ts';
import type { Signals } from './transport.ts';

const MAX_LIST_BYTES = 4 * 1024 * 1024;

/** OpenAI's `/embeddings`, and whatever offers the same. Vectors come in base64, a quarter of the size, where it can. */
export async function openaiDialect(asker: Asker, signals: Signals): Promise<Dialect> {
  const { path, dimensions } = asker.target;
  const model = await nameOf(asker, async () => {
    const call = { method: 'GET', path: `${path}/models`, maxAnswerBytes: MAX_LIST_BYTES } as const;
    return asker.ask(call, (answer) => listField(answer, 'data').map((entry) => field(entry, 'id')), signals);
  });
  const dialect = (settings: object): Dialect => ({
    kind: 'openai',
    model,
    hubName: model,
    maxTokens: null,
    maxTexts: null,
    path: `${path}/embeddings`,
    body: (texts) => ({ model, input: texts, ...(dimensions === null ? {} : { dimensions }), ...settings }),
    read: (answer, count) => ({
      rows: inOrder(listField(answer, 'data'), count),
      tokens: positive(field(field(answer, 'usage'), 'prompt_tokens')) ?? 0,
    }),
  });
  return { ...dialect({ encoding_format: 'base64' }), plainer: dialect({}) };
}

/** The answer says of each vector which text it is of; where it does not, the order is that of the texts. */
function inOrder(data: readonly unknown[], count: number): unknown[] {
  assertCount(data, count);
  const rows = data.map((entry) => field(entry, 'embedding'));
  if (data.every((entry) => field(entry, 'index') === undefined)) return rows;
  const ordered = new Array<unknown>(count);
  const seen = new Set<unknown>();
  for (const [at, entry] of data.entries()) {
    const index = field(entry, 'index');
    if (!Number.isInteger(index) || (index as number) < 0 || (index as number) >= count || seen.has(index)) {
      throw new MalformedAnswerError('its indexes are not those of the texts');
    }
    seen.add(index);
    ordered[index as number] = rows[at];
  }
  return ordered;
}

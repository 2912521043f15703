import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OnnxGraph } from '../../src/embed/onnx-graph.ts';

/** Words of the tiny model; the id of a word is its place here. */
export const TINY_WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'red', 'green', 'blue', 'broken'];

/** The hidden state of each word, whatever its neighbours; that of `broken` is not a number. */
export const TINY_STATES = [
  [0, 0, 1],
  [1, 1, 1],
  [1, 0, 0],
  [0, 1, 0],
  [2, 0, 1],
  [0, 3, 1],
  [1, 1, 4],
  [Number.NaN, 1, 1],
];

export interface TinyModelOptions {
  maxTokens?: number;
  /** Words that only the tokenizer knows. */
  extraWords?: readonly string[];
  pooling?: Readonly<Record<string, boolean>>;
  output?: string;
  /** With the inputs of a decoder: positions, which are added to the states, and what it remembers. */
  decoder?: boolean;
}

/** Writes a model that looks states up in a table: real files for the real runtime, and results known by hand. */
export function writeTinyModel(directory: string, options: TinyModelOptions = {}): void {
  const graph = new OnnxGraph();
  const ids = graph.input('input_ids', 'int64', ['batch', 'sequence']);
  const mask = graph.input('attention_mask', 'int64', ['batch', 'sequence']);
  const types = graph.input('token_type_ids', 'int64', ['batch', 'sequence']);
  const table = graph.floats('table', [TINY_STATES.length, 3], TINY_STATES.flat());
  const states = graph.node('Gather', [table, ids]);
  // The mask multiplies and the types add, so that a wrong input shows in the result.
  const factor = graph.node(
    'Cast',
    [graph.node('Unsqueeze', [graph.node('Add', [mask, types]), graph.int64s('last', [2])])],
    {
      to: { int: 1 },
    },
  );
  let result = graph.node('Mul', [states, factor]);
  if (options.decoder) {
    const positions = graph.input('position_ids', 'int64', ['batch', 'sequence']);
    const past = graph.input('past_key_values.0.key', 'float', ['batch', 1, 'past', 3]);
    const added = graph.node('Cast', [graph.node('Unsqueeze', [positions, graph.int64s('end', [2])])], {
      to: { int: 1 },
    });
    result = graph.node('Add', [result, added]);
    const heads = graph.node('Unsqueeze', [result, graph.int64s('head', [1])]);
    const all = graph.node('Concat', [past, heads], { axis: { int: 2 } });
    result = graph.node('Squeeze', [all, graph.int64s('one', [1])]);
  }
  graph.output(options.output ?? 'last_hidden_state', result, 'float', ['batch', 'sequence', 3]);
  mkdirSync(join(directory, '1_Pooling'), { recursive: true });
  writeFileSync(join(directory, 'model.onnx'), Buffer.concat([...graph.serialize('tiny').produce()]));
  writeJson(directory, 'config.json', { max_position_embeddings: options.maxTokens ?? 16 });
  writeJson(directory, 'tokenizer.json', tokenizer([...TINY_WORDS, ...(options.extraWords ?? [])]));
  if (options.pooling) writeJson(directory, '1_Pooling/config.json', options.pooling);
}

function tokenizer(words: readonly string[]): object {
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: { type: 'BertNormalizer', clean_text: true, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, special('[SEP]')],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  };
}

function writeJson(directory: string, name: string, value: unknown): void {
  writeFileSync(join(directory, name), JSON.stringify(value));
}

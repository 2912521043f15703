import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Embedder, type EmbedderOptions } from '../../src/embed/embedder.ts';
import type { Purpose } from '../../src/embed/model-files.ts';
import { readModelSettings } from '../../src/embed/model-settings.ts';
import { sharedCache, temporaryDirectory } from '../support/model-dirs.ts';
import { TINY_STATES, writeTinyModel } from '../support/tiny-model.ts';
import { largestDifference } from '../support/vectors.ts';

type Files = Readonly<Record<string, unknown>>;

function write(directory: string, files: Files): void {
  for (const [path, value] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), JSON.stringify(value));
  }
}

function settings(context: TestContext, name: string, files: Files = {}) {
  const directory = temporaryDirectory(context);
  write(directory, files);
  return readModelSettings(directory, name);
}

/** The vector of a text by the tiny model with some settings. */
async function embed(
  context: TestContext,
  files: Files,
  text: string,
  options: { purpose?: Purpose; maxTokens?: number; name?: string } & EmbedderOptions = {},
): Promise<Float32Array> {
  const { purpose, maxTokens = 16, name = 'tiny', ...rest } = options;
  const directory = join(temporaryDirectory(context), name);
  writeTinyModel(directory, { maxTokens });
  write(directory, files);
  await using embedder = new Embedder({ model: directory, ...rest });
  const { dimensions } = await embedder.start();
  const { vectors } = await embedder.embed([text], { purpose });
  assert.equal(vectors.length, dimensions);
  return vectors;
}

function sum(ids: readonly number[]): number[] {
  return [0, 1, 2].map((column) => ids.reduce((total, id) => total + TINY_STATES[id]![column]!, 0));
}

function assertDirection(vector: Float32Array, expected: readonly number[]): void {
  const unit = expected.map((value) => value / Math.hypot(...expected));
  assert.ok(largestDifference(vector, unit) < 1e-6, `${vector} is not ${unit}`);
}

const PROMPTS = { 'config_sentence_transformers.json': { prompts: { query: 'red ', passage: 'green ' } } };

test('what stands in front of queries and documents is as the model says', async (context) => {
  assertDirection(await embed(context, PROMPTS, 'blue', { purpose: 'query' }), sum([2, 4, 6, 3]));
  assertDirection(await embed(context, PROMPTS, 'blue', { purpose: 'document' }), sum([2, 5, 6, 3]));
  assertDirection(await embed(context, PROMPTS, 'blue'), sum([2, 5, 6, 3]));
  assertDirection(await embed(context, {}, 'blue', { purpose: 'query' }), sum([2, 6, 3]));
  const everywhere = { prompts: { any: 'red ' }, default_prompt_name: 'any' };
  const files = { 'config_sentence_transformers.json': everywhere };
  assertDirection(await embed(context, files, 'blue'), sum([2, 4, 6, 3]));
});

test('of a text in pieces each has the prompt in front of it', async (context) => {
  const options = { purpose: 'query', maxTokens: 5 } as const;
  const vector = await embed(context, PROMPTS, 'green green blue blue', options);
  assertDirection(vector, sum([2, 4, 5, 5, 3, 2, 4, 6, 6, 3]));
});

test('the table of known models says what the files do not', async (context) => {
  const code = 'Represent this query for searching relevant code: ';
  const cases: [string, string, string, string][] = [
    ['nomic-ai/CodeRankEmbed', code, '', 'cls'],
    ['jalipalo/CodeRankEmbed-onnx', code, '', 'cls'],
    ['nomic-ai/nomic-embed-text-v1.5', 'search_query: ', 'search_document: ', 'mean'],
    ['Xenova/multilingual-e5-small', 'query: ', 'passage: ', 'mean'],
    ['BAAI/bge-base-en-v1.5', 'Represent this sentence for searching relevant passages: ', '', 'cls'],
    ['Snowflake/snowflake-arctic-embed-m-v2.0', 'query: ', '', 'cls'],
    ['jinaai/jina-embeddings-v2-base-code', '', '', 'mean'],
    ['someone/unheard-of', '', '', 'mean'],
  ];
  for (const [name, query, document, pooling] of cases) {
    const { prompts, pooling: found } = await settings(context, name);
    assert.deepEqual([prompts, found], [{ query, document }, pooling], name);
  }
  const instructed = await settings(context, 'onnx-community/Qwen3-Embedding-0.6B-ONNX');
  assert.match(instructed.prompts.query, /^Instruct: .*\nQuery:$/);
  assert.equal(instructed.pooling, 'last');
  const original = { 'config.json': { _name_or_path: 'intfloat/e5-base-v2' } };
  assert.equal((await settings(context, 'someone/mine', original)).prompts.document, 'passage: ');
});

test('what the files say counts more than the table; an empty prompt says nothing', async (context) => {
  const said = { prompts: { query: 'find: ', document: '' } };
  const files = {
    'config_sentence_transformers.json': said,
    '1_Pooling/config.json': { pooling_mode_mean_tokens: true },
  };
  const { prompts, pooling } = await settings(context, 'intfloat/e5-base-v2', files);
  assert.deepEqual(prompts, { query: 'find: ', document: 'passage: ' });
  assert.equal(pooling, 'mean');
  assert.equal((await settings(context, 'BAAI/bge-base-en', files)).pooling, 'mean');
});

test('lengths come from wherever the model tells them, and end at 512', async (context) => {
  const lengths = async (files: Files) => {
    const { maxTokens, chunkTokens } = await settings(context, 'x', files);
    return [maxTokens, chunkTokens];
  };
  assert.deepEqual(await lengths({}), [512, 512]);
  assert.deepEqual(await lengths({ 'config.json': { n_positions: 300 } }), [300, 300]);
  const roberta = { model_type: 'roberta', max_position_embeddings: 130 };
  assert.deepEqual(await lengths({ 'config.json': roberta }), [128, 128]);
  const long = {
    'config.json': { max_position_embeddings: 8192 },
    'tokenizer_config.json': { model_max_length: 1e30 },
    'sentence_bert_config.json': { max_seq_length: 256 },
  };
  assert.deepEqual(await lengths(long), [512, 256]);
});

test('the last token is pooled where the model asks for it, in either spelling', async (context) => {
  for (const pooling of [{ pooling_mode_lasttoken: true }, { pooling_mode: 'lasttoken' }]) {
    const files = { '1_Pooling/config.json': pooling };
    assertDirection(await embed(context, files, 'red green'), TINY_STATES[3]!);
    // Of each piece the last one.
    assertDirection(await embed(context, files, 'red green blue red', { maxTokens: 4 }), TINY_STATES[3]!);
  }
});

test('a layer that the ONNX file does not hold is refused', async (context) => {
  const modules = ['Transformer', 'Pooling', 'Dense', 'Normalize'].map((name) => ({
    type: `sentence_transformers.models.${name}`,
  }));
  await assert.rejects(settings(context, 'x', { 'modules.json': modules }), {
    code: 'ERR_TIDEMARK_MODEL_INVALID',
    message: /Dense/,
  });
  await settings(context, 'x', { 'modules.json': modules.filter(({ type }) => !type.endsWith('Dense')) });
});

test('vectors are cut to dimensions that the model was trained for, and to no others', async (context) => {
  const trained = { 'config.json': { max_position_embeddings: 16, matryoshka_dimensions: [2, 3] } };
  const [x = 0, y = 0, z = 0] = sum([2, 4, 3]);
  assertDirection(await embed(context, trained, 'red', { dimensions: 2 }), [x, y]);
  assertDirection(await embed(context, trained, 'red', { dimensions: 3 }), [x, y, z]);
  assertDirection(await embed(context, {}, 'red', { dimensions: 3 }), [x, y, z]);
  // The table has this one's mean taken off first; the prompts are set here, as it has some too.
  const prompts = { prompts: { document: 'red ' } };
  const nomic = { ...trained, 'config_sentence_transformers.json': prompts };
  const options = { dimensions: 2, name: 'nomic-embed-text-v1.5' };
  const [u = 0, v = 0, w = 0] = sum([2, 4, 5, 3]);
  const mean = (u + v + w) / 3;
  assertDirection(await embed(context, nomic, 'green', options), [u - mean, v - mean]);
  await assert.rejects(embed(context, trained, 'red', { dimensions: 1 }), {
    code: 'ERR_TIDEMARK_DIMENSIONS',
    message: /have 3 dimensions, or cut 2; not 1/,
  });
  await assert.rejects(embed(context, {}, 'red', { dimensions: 2 }), {
    code: 'ERR_TIDEMARK_DIMENSIONS',
    message: /cannot be cut to 2/,
  });
  await using bundled = new Embedder({ dimensions: 128, cacheDir: sharedCache });
  await assert.rejects(bundled.start(), { code: 'ERR_TIDEMARK_DIMENSIONS' });
  await using half = new Embedder({ dtype: 'fp16', cacheDir: sharedCache });
  await assert.rejects(half.start(), { code: 'ERR_TIDEMARK_MODEL_NOT_FOUND', message: /q8 and fp32/ });
});

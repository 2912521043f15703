import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Tokenizer } from '@huggingface/tokenizers';
import { env, pipeline } from '@huggingface/transformers';
import { BUNDLED_MODEL_ID } from '../../src/embed/bundled-model.ts';
import { SOURCE_FILES, sourceDirectory } from '../../src/embed/bundled-source.ts';
import { Embedder } from '../../src/embed/embedder.ts';
import { modelDirectory } from '../../src/embed/model-cache.ts';
import { referenceEmbedding } from '../support/minilm-reference.ts';
import { sharedCache } from '../support/model-dirs.ts';
import { cosine, largestDifference, row } from '../support/vectors.ts';

const DIMENSIONS = 384;
const q8 = new Embedder({ cacheDir: sharedCache });
const fp32 = new Embedder({ cacheDir: sharedCache, dtype: 'fp32' });

const QUERY = 'read a JSON file from disk';
const READER = 'export function loadConfig(path) { return JSON.parse(readFileSync(path, "utf8")); }';
const OTHERS = [
  'function add(a, b) { return a + b; }',
  'class HttpServer { listen(port) { this.socket.bind(port); } }',
  'function writeCsv(rows, path) { appendFileSync(path, rows.map((r) => r.join(",")).join("\\n")); }',
  'const debounce = (fn, ms) => { let t; return () => { clearTimeout(t); t = setTimeout(fn, ms); }; };',
  'def fibonacci(n):\n    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)',
];
const TEXTS = [QUERY, READER, ...OTHERS, '', 'Größe größer als die 日本語 🙂'];

before(() => Promise.all([q8.start(), fp32.start()]));
after(() => Promise.all([q8.dispose(), fp32.dispose()]));

test('vectors equal a forward pass in plain loops over the original weights', async () => {
  const json = (file: 'tokenizer' | 'tokenizerConfig') =>
    JSON.parse(readFileSync(join(sourceDirectory(), SOURCE_FILES[file].path), 'utf8'));
  const tokenizer = new Tokenizer(json('tokenizer'), json('tokenizerConfig'));
  const exact = await fp32.embed(TEXTS);
  const quantized = await q8.embed(TEXTS);
  for (const [index, text] of TEXTS.entries()) {
    const expected = referenceEmbedding(tokenizer.encode(text).ids);
    const difference = largestDifference(row(exact.vectors, index, DIMENSIONS), expected);
    assert.ok(difference < 1e-5, `fp32 differs by ${difference}: ${text}`);
    const similarity = cosine(row(quantized.vectors, index, DIMENSIONS), expected);
    assert.ok(similarity > 0.97, `q8 has cosine ${similarity}: ${text}`);
  }
});

test('vectors equal those of transformers.js', async () => {
  env.allowRemoteModels = false;
  env.localModelPath = modelDirectory(sharedCache, '');
  const extractor = await pipeline('feature-extraction', BUNDLED_MODEL_ID, { dtype: 'fp32' });
  try {
    const { vectors } = await fp32.embed(TEXTS);
    for (const [index, text] of TEXTS.entries()) {
      const expected = await extractor(text, { pooling: 'mean', normalize: true });
      const difference = largestDifference(row(vectors, index, DIMENSIONS), expected.data as Float32Array);
      assert.ok(difference < 1e-5, `differs by ${difference}: ${text}`);
    }
  } finally {
    await extractor.dispose();
  }
});

test('a description is nearest to the function that does what it says', async () => {
  for (const embedder of [q8, fp32]) {
    const { vectors } = await embedder.embed([QUERY, READER, ...OTHERS]);
    const scores = [READER, ...OTHERS].map((_, index) =>
      cosine(row(vectors, 0, DIMENSIONS), row(vectors, index + 1, DIMENSIONS)),
    );
    assert.equal(scores.indexOf(Math.max(...scores)), 0, scores.join(' '));
    assert.ok(scores[0]! > Math.max(...scores.slice(1)) + 0.1, scores.join(' '));
  }
});

test('every row has length 1, and a text has one vector whatever it comes with', async () => {
  const together = await q8.embed(TEXTS);
  for (const [index, text] of TEXTS.entries()) {
    const vector = row(together.vectors, index, DIMENSIONS);
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6);
    assert.deepEqual((await q8.embed([text])).vectors, Float32Array.from(vector));
  }
});

test('a text that is too long goes through in pieces, to its very end', async () => {
  const body = 'let total = price * quantity; '.repeat(400);
  const result = await q8.embed([`${body}sort the list`, `${body}open the socket`, body.slice(0, 300)]);
  const [a, b] = [row(result.vectors, 0, DIMENSIONS), row(result.vectors, 1, DIMENSIONS)];
  assert.deepEqual(result.failed, []);
  // 7 tokens a line, 254 of them in a piece, beside the two special ones.
  assert.deepEqual([...result.pieces], [12, 12, 1]);
  assert.ok(largestDifference(a, b) > 1e-4);
  assert.ok(cosine(a, b) > 0.9);
});

test('blank texts, lone surrogates and control characters have vectors too', async () => {
  const texts = ['', ' \n\t', '\ud800', '\u0000\u0001', 'x'.repeat(40_000)];
  const result = await q8.embed(texts);
  assert.deepEqual(result.failed, []);
  assert.ok(result.vectors.every(Number.isFinite));
  assert.deepEqual(row(result.vectors, 0, DIMENSIONS), row(result.vectors, 1, DIMENSIONS));
});

test('no texts give no vectors', async () => {
  const result = await q8.embed([]);
  assert.deepEqual([result.vectors.length, result.tokens, result.failed.length], [0, 0, 0]);
});

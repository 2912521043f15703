import assert from 'node:assert/strict';
import { appendFileSync, cpSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBackend } from '../../src/embed/backend.ts';
import { Embedder } from '../../src/embed/embedder.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { TINY_STATES, writeTinyModel } from '../support/tiny-model.ts';
import { largestDifference, row } from '../support/vectors.ts';

/** The unit vector of the mean of the states of `ids`. */
function mean(ids: readonly number[]): number[] {
  const sum = [0, 1, 2].map((column) => ids.reduce((total, id) => total + TINY_STATES[id]![column]!, 0));
  return sum.map((value) => value / Math.hypot(...sum));
}

test('a local model is loaded, and its vectors are what its table says', async (context) => {
  const directory = temporaryDirectory(context);
  writeTinyModel(directory);
  await using embedder = new Embedder({ model: directory });
  const info = await embedder.start();
  assert.match(info.id, /^local\/.+@[0-9a-f]{8}-[0-9a-f]{8}$/);
  assert.deepEqual(
    [info.dtype, info.device, info.dimensions, info.maxTokens, info.chunkTokens],
    ['fp32', 'cpu', 3, 16, 16],
  );
  const { vectors, tokens } = await embedder.embed(['Red green', 'blue', 'unheard']);
  assert.ok(
    largestDifference(vectors, [...mean([2, 4, 5, 3]), ...mean([2, 6, 3]), ...mean([2, 1, 3])]) < 1e-6,
  );
  assert.equal(tokens, 10);
});

test('a text in pieces is the mean over the tokens of all pieces', async (context) => {
  const directory = temporaryDirectory(context);
  writeTinyModel(directory, { maxTokens: 5 });
  await using embedder = new Embedder({ model: directory });
  const { vectors, pieces } = await embedder.embed(['red red red green blue blue blue', 'red red red']);
  assert.deepEqual([...pieces], [3, 1]);
  const long = mean([4, 4, 4, 5, 6, 6, 6, 2, 3, 2, 3, 2, 3]);
  assert.ok(largestDifference(vectors, [...long, ...mean([2, 4, 4, 4, 3])]) < 1e-6);
});

test('a value that is not finite fails its text and no other', async (context) => {
  const directory = temporaryDirectory(context);
  writeTinyModel(directory);
  await using embedder = new Embedder({ model: directory });
  const { vectors, failed, pieces } = await embedder.embed(['red', 'red broken', 'blue']);
  assert.deepEqual(failed, [{ index: 1, reason: 'the model gave a value that is not finite' }]);
  assert.deepEqual([...pieces], [1, 0, 1]);
  assert.ok(row(vectors, 1, 3).every(Number.isNaN));
  assert.ok(largestDifference(row(vectors, 2, 3), mean([2, 6, 3])) < 1e-6);
  assert.equal((await embedder.stats()).liveTensors, 0);
});

test('the pooling of the model is followed, and one that is not known is refused', async (context) => {
  const directory = temporaryDirectory(context);
  writeTinyModel(directory, { pooling: { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false } });
  await using first = new Embedder({ model: directory });
  assert.deepEqual([...(await first.embed(['red green'])).vectors], [1, 0, 0]);
  writeTinyModel(directory, { pooling: { pooling_mode_max_tokens: true } });
  await using second = new Embedder({ model: directory });
  await assert.rejects(second.start(), { code: 'ERR_TIDEMARK_MODEL_INVALID', message: /max_tokens/ });
});

test('a model has one id wherever it lies, and another one when a file of it changes', async (context) => {
  const directory = join(temporaryDirectory(context), 'tiny');
  const moved = join(temporaryDirectory(context), 'tiny');
  writeTinyModel(directory);
  cpSync(directory, moved, { recursive: true });
  const id = async (path: string) => {
    await using embedder = new Embedder({ model: path });
    return (await embedder.start()).id;
  };
  const before = await id(directory);
  assert.equal(await id(moved), before);
  const changes = [
    () => appendFileSync(join(moved, 'tokenizer.json'), ' '),
    () => writeFileSync(join(moved, 'model.onnx_data'), 'weights beside it'),
    () => writeFileSync(join(moved, 'config_sentence_transformers.json'), '{"prompts":{"query":"red "}}'),
  ];
  const ids = new Set([before]);
  for (const change of changes) {
    change();
    ids.add(await id(moved));
  }
  assert.equal(ids.size, 4);
});

test('a decoder is given positions, and that it remembers nothing', async (context) => {
  const directory = temporaryDirectory(context);
  writeTinyModel(directory, { decoder: true });
  await using embedder = new Embedder({ model: directory });
  const { vectors } = await embedder.embed(['red green']);
  // Positions 0 to 3 are in the sum of each column.
  const sum = [0, 1, 2].map((column) => 6 + [2, 4, 5, 3].reduce((n, id) => n + TINY_STATES[id]![column]!, 0));
  assert.ok(
    largestDifference(
      vectors,
      sum.map((value) => value / Math.hypot(...sum)),
    ) < 1e-6,
  );
});

test('what is no model says so, and works once it is one', async (context) => {
  const directory = temporaryDirectory(context);
  await using embedder = new Embedder({ model: directory });
  const rejects = (code: string, message: RegExp) => assert.rejects(embedder.start(), { code, message });
  await rejects('ERR_TIDEMARK_MODEL_NOT_FOUND', /no tokenizer\.json.*local directory/);
  writeTinyModel(directory);
  truncateSync(join(directory, 'model.onnx'), 200);
  await rejects('ERR_TIDEMARK_MODEL_INVALID', /model\.onnx does not load/);
  writeTinyModel(directory, { output: 'logits' });
  await rejects('ERR_TIDEMARK_MODEL_INVALID', /not a text encoder.*logits/);
  writeTinyModel(directory, { extraWords: ['beyond', 'the', 'table'] });
  await rejects('ERR_TIDEMARK_MODEL_INVALID', /does not fit its tokenizer/);
  writeTinyModel(directory);
  writeFileSync(join(directory, 'tokenizer.json'), '{}');
  await rejects('ERR_TIDEMARK_MODEL_INVALID', /tokenizer\.json does not work/);
  writeTinyModel(directory);
  writeFileSync(join(directory, 'config.json'), '{');
  await rejects('ERR_TIDEMARK_MODEL_INVALID', /config\.json cannot be read/);
  assert.equal(embedder.state, 'failed');
  writeTinyModel(directory);
  assert.equal((await embedder.start()).dimensions, 3);
});

test('a dtype that is not there is refused with the names that it may have', async (context) => {
  const directory = temporaryDirectory(context);
  writeTinyModel(directory);
  await using q8 = new Embedder({ model: directory, dtype: 'q8' });
  await assert.rejects(q8.start(), {
    code: 'ERR_TIDEMARK_MODEL_NOT_FOUND',
    message: /model_quantized\.onnx/,
  });
});

test('a backend masks the padding of a batch and frees its tensors, after an error too', async (context) => {
  const directory = temporaryDirectory(context);
  writeTinyModel(directory);
  const session = await (await openBackend('cpu')).open(join(directory, 'model.onnx'));
  const seen: number[][] = [];
  await session.run([[4], [5, 6]], (index, hidden) => {
    seen[index] = [...hidden];
  });
  assert.deepEqual(seen, [
    [2, 0, 1, 0, 0, 0],
    [0, 3, 1, 1, 1, 4],
  ]);
  await assert.rejects(session.run([[999]], () => {}));
  await assert.rejects(
    session.run([[4]], () => {
      throw new Error('visitor');
    }),
    /visitor/,
  );
  assert.equal(session.liveTensors, 0);
  await session.release();
});

test('two runs whose tensors are too large together follow each other, small ones do not wait', async (context) => {
  const directory = temporaryDirectory(context);
  writeTinyModel(directory);
  const session = await (await openBackend('cpu')).open(join(directory, 'model.onnx'));
  const most = async (tokens: number) => {
    let live = 0;
    const run = async () => {
      const running = session.run([new Array<number>(tokens).fill(4)], () => {
        live = Math.max(live, session.liveTensors);
      });
      live = Math.max(live, session.liveTensors);
      await running;
    };
    await Promise.all([run(), run(), run()]);
    return live;
  };
  await most(1);
  const alone = await most(400_000);
  const together = await most(10);
  assert.ok(
    alone > 0 && together > alone,
    `${alone} live tensors at once of large runs, ${together} of small ones`,
  );
  assert.ok(alone <= 4, `${alone} live tensors at once`);
  assert.equal(session.liveTensors, 0);
  await session.release();
});

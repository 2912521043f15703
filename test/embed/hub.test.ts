import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BUNDLED_MODEL_ID, ensureBundledModel } from '../../src/embed/bundled-model.ts';
import { Embedder, type EmbedderOptions } from '../../src/embed/embedder.ts';
import type { DownloadEvent } from '../../src/embed/hub-fetch.ts';
import { followIndex, parseModelName } from '../../src/embed/model-name.ts';
import { sendPart, sendStatus } from '../support/hub-server.ts';
import { embed, ID, setUp } from '../support/hub-setup.ts';
import { sharedCache, temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => /\.\w+$/.test(path));
}

test('a model of the hub is downloaded by commit, embeds as from a directory, and is there the next time', async (context) => {
  const { server, model, commit, cacheDir } = await setUp(context);
  const events: DownloadEvent[] = [];
  const onEvent: EmbedderOptions['onEvent'] = (event) => {
    if (event.type === 'download') events.push(event);
  };
  const first = await embed({ model: ID, cacheDir, onEvent });
  assert.equal(first.id, `${ID}@${commit}`);
  assert.deepEqual(first.vector, (await embed({ model })).vector);
  const total = ['config.json', 'tokenizer.json', 'model.onnx'].reduce(
    (sum, name) => sum + readFileSync(join(model, name)).length,
    0,
  );
  assert.deepEqual(events.at(-1), {
    type: 'download',
    model: ID,
    doneBytes: total,
    totalBytes: total,
    waiting: null,
  });
  const snapshot = join(cacheDir, 'tidemark', 'hub', ID, commit);
  assert.deepEqual(filesOf(snapshot).sort(), ['config.json', 'model.onnx', 'tokenizer.json']);

  server.forget();
  await embed({ model: ID, cacheDir });
  // A branch may have moved on: that is asked, and nothing else.
  assert.deepEqual(
    server.seen.map(({ path }) => path),
    [`/api/models/${ID}/revision/main?blobs=true`],
  );
  server.forget();
  await embed({ model: `${ID}@${commit}`, cacheDir });
  assert.equal(server.seen.length, 0);
});

test('a real model comes whole over a line that breaks', async (context) => {
  const { server, cacheDir } = await setUp(context);
  const { files } = await ensureBundledModel({ cacheRoot: sharedCache, dtype: 'q8' });
  const name = 'Xenova/all-MiniLM-L6-v2';
  server.publish(name, files.directory);
  const weights = readFileSync(`${files.onnxPath}_data`);
  // The tokenizer comes before them.
  server.fileFaults.push(() => false, ...[5e6, 9e6].map((bytes) => sendPart(weights, bytes, 'break')));
  const options = { dtype: 'q8', cacheDir } as const;
  const [fetched, local] = [
    await embed({ model: name, ...options }),
    await embed({ model: files.directory, ...options }),
  ];
  assert.deepEqual(fetched.vector, local.vector);
  assert.equal(fetched.vector.length, 384);
  assert.equal(server.requests(/model_quantized\.onnx_data\?/).length, 3);
});

test('a model that changes on the hub has another id, and the one before stays as it is', async (context) => {
  const { server, model, commit, cacheDir } = await setUp(context);
  await embed({ model: ID, cacheDir });
  writeTinyModel(model, { maxTokens: 8 });
  const second = server.publish(ID, model);
  assert.notEqual(second, commit);
  assert.equal((await embed({ model: ID, cacheDir })).id, `${ID}@${second}`);
  assert.equal((await embed({ model: `${ID}@${commit}`, cacheDir })).id, `${ID}@${commit}`);
});

test('offline what is in the cache is used, and what is not is refused without a request', async (context) => {
  const { server, cacheDir } = await setUp(context);
  const options = { model: ID, cacheDir };
  const refused = {
    code: 'ERR_TIDEMARK_MODEL_NOT_FOUND',
    message: /someone\/tiny is not in the model cache/,
  };
  await assert.rejects(embed({ ...options, offline: true }), refused);
  const { id } = await embed(options);
  server.forget();
  assert.equal((await embed({ ...options, offline: true })).id, id);
  process.env.HF_HUB_OFFLINE = '1';
  assert.equal((await embed(options)).id, id);
  await assert.rejects(embed({ ...options, model: 'someone/else' }), { message: /HF_HUB_OFFLINE/ });
  assert.equal(server.seen.length, 0);
});

test('where the hub does not answer, what was last known of it will do', async (context) => {
  const { server, cacheDir } = await setUp(context);
  const { id } = await embed({ model: ID, cacheDir });
  server.hubFaults.push(...Array.from({ length: 6 }, () => sendStatus(503, { 'retry-after': '0' })));
  // The pauses are those of everyday use: this takes some seconds.
  assert.equal((await embed({ model: ID, cacheDir })).id, id);
});

test('a damaged file in the cache is found out by the load that fails, and fetched again', async (context) => {
  const { server, model, commit, cacheDir } = await setUp(context);
  await embed({ model: ID, cacheDir });
  const snapshot = join(cacheDir, 'tidemark', 'hub', ID, commit);
  const whole = readFileSync(join(model, 'model.onnx'));
  for (const damaged of [Buffer.alloc(whole.length), whole.subarray(0, 100)]) {
    writeFileSync(join(snapshot, 'model.onnx'), damaged);
    server.forget();
    await embed({ model: `${ID}@${commit}`, cacheDir });
    assert.ok(readFileSync(join(snapshot, 'model.onnx')).equals(whole));
    assert.equal(server.requests(/signature/).length, 1);
  }
});

test('of several weights the one for the device comes, with what lies beside it, or the one asked for', async (context) => {
  const { server, model, cacheDir } = await setUp(context);
  const onnx = readFileSync(join(model, 'model.onnx'));
  const tokenizer = readFileSync(join(model, 'tokenizer.json'));
  const config = readFileSync(join(model, 'config.json'));
  server.publish(ID, {
    'README.md': Buffer.from('# Tiny'),
    'pytorch_model.bin': Buffer.alloc(1000),
    'tokenizer.json': tokenizer,
    'config.json': config,
    'onnx/model.onnx': onnx,
    'onnx/model.onnx_data': Buffer.from('one'),
    'onnx/model.onnx_data_1': Buffer.from('two'),
    'onnx/model_fp16.onnx': onnx,
    'onnx/model_quantized.onnx': onnx,
    '../../../escape.onnx': onnx,
  });
  const fetched = () =>
    server.requests(/signature/).map(({ path }) => path.split('?')[0]!.slice(ID.length + 2));
  assert.equal((await embed({ model: ID, cacheDir })).dtype, 'q8');
  assert.deepEqual(fetched(), ['tokenizer.json', 'onnx/model_quantized.onnx']);
  server.forget();
  assert.equal((await embed({ model: ID, cacheDir, dtype: 'fp32' })).dtype, 'fp32');
  assert.deepEqual(fetched(), ['onnx/model.onnx_data', 'onnx/model.onnx_data_1', 'onnx/model.onnx']);
  await assert.rejects(embed({ model: ID, cacheDir, dtype: 'q4' }), {
    code: 'ERR_TIDEMARK_MODEL_NOT_FOUND',
    message: /no weights of dtype q4; it has .*model_fp16\.onnx/,
  });
  server.publish('someone/torch', { 'tokenizer.json': tokenizer, 'model.safetensors': onnx });
  await assert.rejects(embed({ model: 'someone/torch', cacheDir }), {
    code: 'ERR_TIDEMARK_MODEL_NOT_FOUND',
    message: /someone\/torch has no ONNX file/,
  });
});

test('a known model without ONNX files is run from its conversion', async (context) => {
  const { server, model, cacheDir } = await setUp(context);
  server.publish('nomic-ai/CodeRankEmbed', { 'config.json': Buffer.from('{}') });
  const conversion = 'jalipalo/CodeRankEmbed-onnx';
  const commit = server.publish(conversion, model);
  const { id, vector } = await embed({ model: 'nomic-ai/CodeRankEmbed', cacheDir });
  assert.equal(id, `${conversion}@${commit}`);
  // Pooled by the first token, which is the table's word: the files say nothing.
  assert.deepEqual(vector, [1, 0, 0]);
  assert.equal((await embed({ model: 'nomic-ai/CodeRankEmbed', cacheDir, offline: true })).id, id);
});

test('what is a directory is a path, and what is neither that nor an id is refused', async (context) => {
  const { server, model, cacheDir } = await setUp(context);
  const place = temporaryDirectory(context);
  const before = process.cwd();
  process.chdir(place);
  context.after(() => process.chdir(before));
  assert.deepEqual(await parseModelName(ID), { kind: 'hub', id: ID, revision: null });
  assert.deepEqual(await parseModelName(`${ID}@refs/pr/1`), { kind: 'hub', id: ID, revision: 'refs/pr/1' });
  cpSync(model, ID, { recursive: true });
  assert.deepEqual(await parseModelName(ID), { kind: 'local', path: ID });
  assert.deepEqual(await parseModelName(BUNDLED_MODEL_ID), { kind: 'bundled' });
  writeFileSync('model.onnx', '');
  for (const name of ['model.onnx', './no/such', 'a/b/c', 'one', '../a', 'a/..', 'a/b@../c', '']) {
    await assert.rejects(embed({ model: name, cacheDir }), { code: 'ERR_TIDEMARK_MODEL_NOT_FOUND' }, name);
  }
  assert.equal(server.seen.length, 0);
});

test('an index goes on with the commit that it was made with, until another one is asked for', async () => {
  const commit = 'c'.repeat(40);
  const indexed = { id: `${ID}@${commit}`, dtype: 'fp16', dimensions: 256 };
  const same = { model: indexed.id, dtype: 'fp16', dimensions: 256 };
  assert.deepEqual(await followIndex({}, indexed), same);
  assert.deepEqual(await followIndex({ model: ID }, indexed), same);
  assert.deepEqual(await followIndex({ model: ID, dimensions: 64 }, indexed), { ...same, dimensions: 64 });
  for (const model of [`${ID}@v2`, `${ID}@${commit}`, 'someone/else', process.cwd(), 'http://host#x']) {
    assert.deepEqual(await followIndex({ model }, indexed), { model });
  }
  const converted = { ...indexed, id: `jalipalo/CodeRankEmbed-onnx@${commit}` };
  assert.equal((await followIndex({ model: 'nomic-ai/CodeRankEmbed' }, converted)).model, converted.id);
  const bundled = { id: BUNDLED_MODEL_ID, dtype: 'fp32', dimensions: 384 };
  for (const model of [undefined, BUNDLED_MODEL_ID]) {
    assert.equal((await followIndex({ model }, bundled)).dtype, 'fp32');
  }
  for (const other of [
    null,
    { ...bundled, dtype: 'q8' },
    { ...indexed, id: 'local/tiny@aaaaaaaa-bbbbbbbb' },
  ]) {
    assert.deepEqual(await followIndex({}, other), {});
  }
});

test('dispose ends a download, and leaves nothing that a later one stumbles over', async (context) => {
  const { server, commit, cacheDir } = await setUp(context);
  const stalled = new Promise<void>((resolve) => {
    server.fileFaults.push(() => {
      resolve();
      return true;
    });
  });
  const embedder = new Embedder({ model: ID, cacheDir });
  const start = assert.rejects(embedder.start(), { code: 'ERR_TIDEMARK_EMBEDDER_DISPOSED' });
  await stalled;
  const began = performance.now();
  await embedder.dispose();
  await start;
  assert.ok(performance.now() - began < 1000);
  assert.equal((await embed({ model: ID, cacheDir })).id, `${ID}@${commit}`);
});

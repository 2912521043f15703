import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BUNDLED_MODEL_ID, ensureBundledModel } from '../../src/embed/bundled-model.ts';
import { SOURCE_FILES, sourceDirectory } from '../../src/embed/bundled-source.ts';
import { Embedder, type EmbedderEvent } from '../../src/embed/embedder.ts';
import { defaultCacheRoot, modelDirectory } from '../../src/embed/model-cache.ts';
import { sharedCache, temporaryDirectory } from '../support/model-dirs.ts';

const program = fileURLToPath(new URL('../support/embed-once.ts', import.meta.url));

async function embedOnce(cache: string): Promise<{ hash: string; pid: number }> {
  const child = spawn(process.execPath, [...process.execArgv, program, cache, 'dispose'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = text(child.stdout);
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  return JSON.parse(await output);
}

function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

test('two processes that start at once with an empty cache both succeed', async (context) => {
  const cache = temporaryDirectory(context);
  const [first, second] = await Promise.all([embedOnce(cache), embedOnce(cache)]);
  assert.equal(first.hash, second.hash);
  assert.deepEqual(filesOf(cache), [
    'config.json',
    'model_quantized.onnx',
    'model_quantized.onnx_data',
    'tidemark-model.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
});

test('what a killed process left is swept when it is old, and kept while it may be in use', async (context) => {
  const cache = temporaryDirectory(context);
  const directory = join(modelDirectory(cache, BUNDLED_MODEL_ID), 'onnx');
  mkdirSync(directory, { recursive: true });
  const [old, fresh] = ['model.onnx.1.aa.tmp', 'model.onnx.2.bb.tmp'].map((name) => join(directory, name));
  writeFileSync(old!, 'half a model');
  writeFileSync(fresh!, 'half a model');
  const hourAgo = Date.now() / 1000 - 3600;
  utimesSync(old!, hourAgo, hourAgo);
  const { converted } = await ensureBundledModel({ cacheRoot: cache, dtype: 'q8' });
  assert.equal(converted, true);
  assert.equal(existsSync(old!), false);
  assert.equal(existsSync(fresh!), true);
  assert.equal((await ensureBundledModel({ cacheRoot: cache, dtype: 'q8' })).converted, false);
});

test('a changed source file is refused', async (context) => {
  for (const file of ['weights', 'tokenizer'] as const) {
    const cache = temporaryDirectory(context);
    const source = temporaryDirectory(context);
    for (const { path } of Object.values(SOURCE_FILES)) {
      mkdirSync(dirname(join(source, path)), { recursive: true });
      cpSync(join(sourceDirectory(), path), join(source, path));
    }
    const path = join(source, SOURCE_FILES[file].path);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
    await assert.rejects(ensureBundledModel({ cacheRoot: cache, dtype: 'q8', source }), {
      code: 'ERR_TIDEMARK_MODEL_INTEGRITY',
      message: new RegExp(SOURCE_FILES[file].path),
    });
    assert.equal(filesOf(cache).includes('model_quantized.onnx'), false);
  }
});

test('a damaged cache is rebuilt, whether its size gives it away or not', async (context) => {
  const cache = temporaryDirectory(context);
  const { files } = await ensureBundledModel({ cacheRoot: cache, dtype: 'q8' });
  const weightsPath = `${files.onnxPath}_data`;
  const paths = [files.onnxPath, weightsPath, files.tokenizerPath];
  const [model, weights, tokenizer] = paths.map((path) => readFileSync(path)) as [Buffer, Buffer, Buffer];
  const wrong = Buffer.from(weights);
  // One of the last layer's matrices: 0.6 of its 24 MB.
  wrong.fill(0, weights.length - 590_000);
  const damages: (() => void)[] = [
    () => writeFileSync(files.onnxPath, model.subarray(0, 1000)),
    () => writeFileSync(files.onnxPath, new Uint8Array(model.length)),
    () => rmSync(files.onnxPath),
    () => rmSync(weightsPath),
    () => writeFileSync(weightsPath, weights.subarray(0, 1000)),
    () => writeFileSync(weightsPath, new Uint8Array(weights.length)),
    () => writeFileSync(weightsPath, wrong),
    () => appendFileSync(files.tokenizerPath, ' '),
    () => writeFileSync(files.tokenizerPath, tokenizer.toString('utf8').replace('{', '[')),
  ];
  for (const damage of damages) {
    damage();
    await using embedder = new Embedder({ cacheDir: cache });
    assert.equal((await embedder.embed(['still works'])).failed.length, 0);
    assert.deepEqual(
      paths.map((path, i) => readFileSync(path).equals([model, weights, tokenizer][i]!)),
      [true, true, true],
    );
  }
});

test('a damaged file is replaced and at no time gone: another process may have just replaced it', async (context) => {
  const cache = temporaryDirectory(context);
  const { files } = await ensureBundledModel({ cacheRoot: cache, dtype: 'q8' });
  const weightsPath = `${files.onnxPath}_data`;
  const weights = readFileSync(weightsPath);
  const { hash } = await embedOnce(cache);
  writeFileSync(weightsPath, new Uint8Array(weights.length));
  writeFileSync(files.tokenizerPath, new Uint8Array(statSync(files.tokenizerPath).size));
  let looks = 0;
  const gone: string[] = [];
  const look = setInterval(() => {
    looks++;
    for (const path of [weightsPath, files.tokenizerPath]) if (!existsSync(path)) gone.push(path);
  }, 1);
  try {
    const all = await Promise.all(Array.from({ length: 3 }, () => embedOnce(cache)));
    assert.deepEqual(
      all.map((one) => one.hash),
      [hash, hash, hash],
    );
  } finally {
    clearInterval(look);
  }
  assert.deepEqual(gone, []);
  assert.ok(looks > 100);
  assert.ok(readFileSync(weightsPath).equals(weights));
});

test('a load from a full cache converts nothing', async () => {
  await ensureBundledModel({ cacheRoot: sharedCache, dtype: 'q8' });
  const events: EmbedderEvent[] = [];
  await using embedder = new Embedder({ cacheDir: sharedCache, onEvent: (event) => events.push(event) });
  await embedder.start();
  assert.deepEqual(
    events.map((event) => event.type === 'loaded' && event.converted),
    [false],
  );
});

test('a cache that cannot be written is named, and so is the way out', async (context) => {
  const occupied = join(temporaryDirectory(context), 'a-file');
  writeFileSync(occupied, '');
  await using embedder = new Embedder({ cacheDir: occupied });
  await assert.rejects(embedder.start(), (error: Error & { code: string }) => {
    assert.equal(error.code, 'ERR_TIDEMARK_MODEL_CACHE');
    assert.ok(error.message.includes(occupied) && error.message.includes('TIDEMARK_CACHE'), error.message);
    return true;
  });
  assert.equal(embedder.state, 'failed');
});

test('the cache lies where the platform has caches', () => {
  const home = join('/', 'home', 'ada');
  const absolute = join('/', 'fast', 'cache');
  assert.equal(defaultCacheRoot({}, 'linux', home), join(home, '.cache'));
  assert.equal(defaultCacheRoot({ XDG_CACHE_HOME: absolute }, 'linux', home), absolute);
  assert.equal(defaultCacheRoot({ XDG_CACHE_HOME: 'relative' }, 'linux', home), join(home, '.cache'));
  assert.equal(
    defaultCacheRoot({ XDG_CACHE_HOME: absolute }, 'darwin', home),
    join(home, 'Library', 'Caches'),
  );
  assert.equal(defaultCacheRoot({ LOCALAPPDATA: absolute }, 'win32', home), absolute);
  assert.equal(defaultCacheRoot({ TIDEMARK_CACHE: 'here', XDG_CACHE_HOME: absolute }, 'linux', home), 'here');
});

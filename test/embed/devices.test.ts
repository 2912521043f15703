import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { candidates, detectDevices } from '../../src/embed/devices.ts';
import { Embedder } from '../../src/embed/embedder.ts';
import type { Device } from '../../src/embed/model-files.ts';
import { sharedCache, temporaryDirectory } from '../support/model-dirs.ts';
import { useSoftwareVulkan, withoutVulkan } from '../support/software-vulkan.ts';
import { writeTinyModel } from '../support/tiny-model.ts';
import { cosine, largestDifference, row } from '../support/vectors.ts';

useSoftwareVulkan();

const TEXTS = [
  'read a JSON file from disk',
  'class HttpServer { listen(port) { this.socket.bind(port); } }',
  'x',
  '',
  'Größe größer als die 日本語 🙂',
  'const debounce = (fn, ms) => { let t; return () => { clearTimeout(t); t = setTimeout(fn, ms); }; };\n'.repeat(
    20,
  ),
];
const DIMENSIONS = 384;

const skips: Record<Device, string | false> = { cpu: false, wasm: false, webgpu: withoutVulkan };

for (const device of ['wasm', 'webgpu'] as const) {
  describe(`on ${device}`, { skip: skips[device] }, () => {
    test('vectors in fp32 equal those of the CPU', async () => {
      await using here = new Embedder({ cacheDir: sharedCache, dtype: 'fp32', device });
      await using cpu = new Embedder({ cacheDir: sharedCache, dtype: 'fp32', device: 'cpu' });
      assert.equal((await here.start()).device, device);
      const [got, expected] = [await here.embed(TEXTS), await cpu.embed(TEXTS)];
      assert.deepEqual(got.pieces, expected.pieces);
      assert.equal(got.tokens, expected.tokens);
      for (const [index, text] of TEXTS.entries()) {
        const difference = largestDifference(
          row(got.vectors, index, DIMENSIONS),
          row(expected.vectors, index, DIMENSIONS),
        );
        assert.ok(difference < 1e-5, `differs by ${difference}: ${text.slice(0, 40)}`);
      }
    });

    test('a damaged model, and one that does not know the tokenizer’s words, are told; the next start is clean', async (context) => {
      const directory = temporaryDirectory(context);
      writeTinyModel(directory, { extraWords: ['unheard'] });
      await using embedder = new Embedder({ model: directory, device });
      await assert.rejects(embedder.start(), {
        code: 'ERR_TIDEMARK_MODEL_INVALID',
        message: /does not fit its tokenizer/,
      });
      writeTinyModel(directory);
      truncateSync(join(directory, 'model.onnx'), 100);
      await assert.rejects(embedder.start(), { code: 'ERR_TIDEMARK_MODEL_INVALID' });
      assert.equal((await embedder.stats()).processes.length, 0);
      writeTinyModel(directory);
      assert.equal((await embedder.start()).device, device);
      assert.equal((await embedder.embed(['red'])).failed.length, 0);
    });

    test('a text that fails fails alone, and leaves no tensor', async (context) => {
      const directory = temporaryDirectory(context);
      writeTinyModel(directory);
      await using embedder = new Embedder({ model: directory, device });
      await using cpu = new Embedder({ model: directory, device: 'cpu' });
      const texts = ['red', 'red broken', 'blue green red', 'blue'];
      const [got, expected] = [await embedder.embed(texts), await cpu.embed(texts)];
      assert.deepEqual(got.failed, [{ index: 1, reason: 'the model gave a value that is not finite' }]);
      assert.deepEqual(got.failed, expected.failed);
      for (const index of [0, 2, 3]) {
        assert.ok(largestDifference(row(got.vectors, index, 3), row(expected.vectors, index, 3)) < 1e-6);
      }
      assert.equal((await embedder.stats()).liveTensors, 0);
    });

    test('a process that is killed is replaced, and its work done again', async (context) => {
      const directory = temporaryDirectory(context);
      writeTinyModel(directory);
      await using embedder = new Embedder({ model: directory, device });
      await embedder.start();
      const [first] = (await embedder.stats()).processes;
      const running = embedder.embed(Array.from({ length: 400 }, (_, i) => (i % 2 ? 'red' : 'blue green')));
      process.kill(first!.pid, 'SIGKILL');
      assert.deepEqual((await running).failed, []);
      assert.equal((await embedder.stats()).crashes, 1);
    });
  });
}

test('q8 in WebAssembly is near to q8 on the CPU', async () => {
  await using wasm = new Embedder({ cacheDir: sharedCache, device: 'wasm' });
  await using cpu = new Embedder({ cacheDir: sharedCache, device: 'cpu' });
  const [got, expected] = [await wasm.embed(TEXTS), await cpu.embed(TEXTS)];
  for (const index of TEXTS.keys()) {
    const similarity = cosine(row(got.vectors, index, DIMENSIONS), row(expected.vectors, index, DIMENSIONS));
    assert.ok(similarity > 0.98, `text ${index}: ${similarity}`);
  }
});

test('each device is tried, and doctor’s report says why one is passed over', async () => {
  const reports = await detectDevices();
  assert.deepEqual(
    reports.map(({ device }) => device),
    ['webgpu', 'cpu', 'wasm'],
  );
  const [webgpu, cpu, wasm] = reports;
  assert.match(cpu!.detail, /^onnxruntime-node \d+\.\d+/);
  assert.match(wasm!.detail, /^onnxruntime-web \d+\.\d+/);
  assert.equal(webgpu!.ok, withoutVulkan === false, webgpu!.detail);
  if (webgpu!.ok) assert.match(webgpu!.passedOver ?? '', /no GPU|8-bit/);
  else assert.match(webgpu!.detail, /adapter.*--device cpu/);
});

test('auto is the CPU for 8-bit weights, and where there is no GPU; a device by name is taken at its word', async () => {
  assert.deepEqual(candidates('auto', 'q8'), ['cpu', 'wasm']);
  assert.deepEqual(candidates('webgpu', 'q8'), ['webgpu']);
  assert.deepEqual(candidates('auto', 'fp32').slice(-2), ['cpu', 'wasm']);
  await using embedder = new Embedder({ cacheDir: sharedCache });
  assert.equal((await embedder.start()).device, 'cpu');
});

test('a device that does not work here is an error that says what to do', {
  skip: withoutVulkan,
}, async () => {
  const { VK_ICD_FILENAMES } = process.env;
  process.env.VK_ICD_FILENAMES = '/nowhere.json';
  try {
    await using embedder = new Embedder({ cacheDir: sharedCache, device: 'webgpu' });
    await assert.rejects(embedder.start(), { code: 'ERR_TIDEMARK_DEVICE', message: /webgpu.*--device cpu/ });
    assert.equal((await embedder.stats()).processes.length, 0);
  } finally {
    process.env.VK_ICD_FILENAMES = VK_ICD_FILENAMES;
  }
});

/** Runs of the model on each device. */
const RUNS: Record<Device, number> = { cpu: 10_000, wasm: 10_000, webgpu: 10_000 };
/**
 * Runs before memory is measured. V8 compiles each WebAssembly function anew, optimized, once it has run often enough,
 * and its compiler's working memory stays: 50 MB within the first 17,000 runs, nothing after that. It compiles beside the
 * runs, so on a busy machine later.
 */
const WARM_UP: Record<Device, number> = { cpu: 2000, wasm: 20_000, webgpu: 2000 };
/** What leaks does so in each round; what has to be compiled yet is so in one of them. */
const ROUNDS = 3;
/** A GPU runs the texts of a call together, the others one by one. */
const RUNS_PER_CALL: Record<Device, number> = { cpu: 100, wasm: 100, webgpu: 1 };

for (const device of ['cpu', 'wasm', 'webgpu'] as const) {
  test(`${RUNS[device]} runs on ${device} leave no tensor, and memory as it was`, {
    skip: skips[device],
  }, async (context) => {
    const directory = temporaryDirectory(context);
    writeTinyModel(directory);
    await using embedder = new Embedder({ model: directory, device });
    const texts = Array.from(
      { length: Math.max(4, RUNS_PER_CALL[device]) },
      (_, i) => ['red', 'green blue', 'broken', 'blue red green red'][i % 4]!,
    );
    const warmUp = WARM_UP[device] / RUNS_PER_CALL[device];
    const calls = RUNS[device] / RUNS_PER_CALL[device];
    const least = (sizes: readonly number[]) => Math.min(...sizes);
    const run = async (count: number): Promise<number> => {
      const sizes: number[] = [];
      for (let call = 1; call <= count; call++) {
        const { failed } = await embedder.embed(texts);
        assert.equal(failed.length, texts.length / 4);
        if (call % (count / 100) !== 0) continue;
        const { liveTensors, rssBytes } = await embedder.stats();
        assert.equal(liveTensors, 0, `after ${call} calls`);
        sizes.push(rssBytes);
      }
      return least(sizes.slice(75)) - least(sizes.slice(0, 25));
    };
    await run(warmUp);
    const growths: number[] = [];
    while (growths.length < ROUNDS && !growths.some((growth) => growth < 8e6)) growths.push(await run(calls));
    assert.ok(
      least(growths) < 8e6,
      `from the first quarter to the last ${growths.map((growth) => `${(growth / 1e6).toFixed(1)} MB`).join(', ')} more`,
    );
  });
}

import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Embedder, type EmbedderOptions } from '../../src/embed/embedder.ts';
import { expectedBytes } from '../../src/embed/model-memory.ts';
import { seeded } from '../support/chunking.ts';
import { sharedCache, temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const MB = 1e6;
const random = seeded(1);
const word = () => String.fromCharCode(...Array.from({ length: 5 }, () => 97 + Math.floor(random() * 26)));
/** Of many words: each asks for another place in the model's table, which becomes resident where it is asked for. */
const TEXTS = Array.from({ length: 30 }, () => Array.from({ length: 150 }, word).join(' '));

/** Bytes; null off Linux. What a process takes at a moment depends on when its garbage was collected. */
function mostResident(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) * 1024;
}

/** What is asked on the way of a start: before the load, and after it; and the most that the process took until it had embedded. */
async function asked(options: EmbedderOptions): Promise<{ bytes: number[]; taken: number }> {
  const bytes: number[] = [];
  await using embedder = new Embedder({
    cacheDir: sharedCache,
    ...options,
    admit: (need) => {
      bytes.push(need.bytes);
      return null;
    },
  });
  await embedder.embed(TEXTS);
  const { pid, rssBytes } = (await embedder.stats()).processes[0]!;
  return { bytes, taken: mostResident(pid) ?? rssBytes };
}

for (const options of [
  { device: 'cpu', dtype: 'q8' },
  { device: 'cpu', dtype: 'fp32' },
  { device: 'wasm', dtype: 'q8' },
] as const) {
  test(`what ${options.dtype} on ${options.device} will take is known before it is loaded`, async () => {
    const { bytes, taken } = await asked(options);
    for (const expected of bytes) {
      assert.ok(
        expected > 0.8 * taken && expected < 1.25 * taken,
        `${Math.round(expected / MB)} MB expected, ${Math.round(taken / MB)} MB taken`,
      );
    }
  });
}

test("the words' table of the bundled model is mapped, and not read", {
  skip: process.platform !== 'linux',
}, async () => {
  for (const [dtype, path, words] of [
    ['q8', 'model_quantized.onnx_data', 11 * MB],
    ['fp32', 'model.onnx_data', 46 * MB],
  ] as const) {
    await using embedder = new Embedder({ cacheDir: sharedCache, device: 'cpu', dtype });
    await embedder.embed(['x']);
    const { pid } = (await embedder.stats()).processes[0]!;
    const mapped = readFileSync(`/proc/${pid}/maps`, 'latin1')
      .split('\n')
      .filter((line) => line.endsWith(path))
      .map((line) =>
        line
          .split(' ', 1)[0]!
          .split('-')
          .map((address) => Number.parseInt(address, 16)),
      )
      .reduce((sum, [from, to]) => sum + to! - from!, 0);
    assert.ok(mapped > words, `${mapped} bytes of ${path}`);
  }
});

test('a model that is not admitted is not loaded, whatever its weights lie in', async (t) => {
  const model = temporaryDirectory(t);
  writeTinyModel(model);
  const files = { model, device: 'cpu' } as const;
  const [small] = (await asked(files)).bytes;
  // As exporters write weights of more than 2 GB; sparse, so it takes no room on the disk.
  const data = join(model, 'model.onnx_data');
  writeFileSync(data, '');
  truncateSync(data, 4e8);
  const events: string[] = [];
  await using embedder = new Embedder({
    ...files,
    onEvent: ({ type }) => events.push(type),
    admit: ({ bytes }) => {
      if (bytes > small! + 3e8) throw new RangeError('too large');
      return null;
    },
  });
  await assert.rejects(embedder.start(), { name: 'RangeError', message: 'too large' });
  assert.deepEqual(events, [], 'no process was started');
});

test('one that turns out too large once loaded is let go', async (t) => {
  const model = temporaryDirectory(t);
  writeTinyModel(model);
  let calls = 0;
  await using embedder = new Embedder({
    model,
    admit: () => {
      if (++calls === 2) throw new RangeError('too large');
      return null;
    },
  });
  await assert.rejects(embedder.start(), { message: 'too large' });
  assert.equal(embedder.state, 'failed');
  assert.deepEqual((await embedder.stats()).processes, []);
  await embedder.start();
});

test('the weights of the bundled model count as much as they are', async () => {
  const request = { files: null, dimensions: null, cacheRoot: sharedCache };
  const cpu = await expectedBytes({ ...request, dtype: null, device: 'cpu' });
  const gpu = await expectedBytes({ ...request, dtype: null, device: 'webgpu' });
  assert.ok(gpu > cpu + 60 * MB, 'on a GPU they are those of 32 bits');
});

test('no more processes start than what the first takes leaves room for, and how far each may grow goes by that', async (t) => {
  const model = temporaryDirectory(t);
  writeTinyModel(model);
  const run = async (maxRssBytes: number) => {
    const devices: string[] = [];
    const limits: number[] = [];
    let loads = 0;
    await using embedder = new Embedder({
      model,
      device: 'cpu',
      processes: 4,
      maxChildRssBytes: 2,
      admit: ({ device }) => {
        devices.push(device);
        return { processes: 2, maxRssBytes };
      },
      onEvent: (event) => {
        if (event.type === 'loaded') loads++;
        if (event.type === 'over-limit') limits.push(event.limitBytes);
      },
    });
    await embedder.start();
    assert.deepEqual([devices, loads, embedder.processes], [['cpu', 'cpu'], 2, 2]);
    await embedder.limit(4);
    await embedder.embed(Array.from({ length: 400 }, (_, i) => `text ${i}`));
    await embedder.warmUp();
    assert.equal((await embedder.stats()).processes.length, 2);
    return limits;
  };
  assert.deepEqual(await run(1), [1, 1]);
  assert.deepEqual(await run(1e9), []);
});

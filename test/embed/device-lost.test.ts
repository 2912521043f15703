import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Embedder, type EmbedderEvent } from '../../src/embed/embedder.ts';
import { deviceThatCanBeLost, withoutLosing } from '../support/lost-device.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { useSoftwareVulkan } from '../support/software-vulkan.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

test('a lost device: the CPU goes on with the work in hand, and a new process has the device again', {
  skip: withoutLosing,
}, async (context) => {
  const directory = temporaryDirectory(context);
  useSoftwareVulkan();
  const device = deviceThatCanBeLost(directory);
  writeTinyModel(directory);
  const events: EmbedderEvent[] = [];
  await using embedder = new Embedder({
    model: directory,
    device: 'webgpu',
    onEvent: (event) => events.push(event),
  });
  const texts = ['red', 'blue green', 'broken', 'green green blue'];
  const expected = await embedder.embed(texts);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['loaded'],
  );
  const [first] = (await embedder.stats()).processes;

  device.lose();
  const got = await embedder.embed(texts);
  assert.deepEqual(got.failed, expected.failed);
  for (const [i, value] of got.vectors.entries()) {
    const other = expected.vectors[i]!;
    assert.ok(Number.isNaN(other) ? Number.isNaN(value) : Math.abs(value - other) < 1e-6);
  }
  const types = events.map(({ type }) => type);
  assert.ok(types.includes('fallback') && types.includes('crashed'), types.join());
  const reason = events.flatMap((event) => (event.type === 'crashed' ? [event.reason] : [])).join();
  assert.match(reason, /lost/);

  device.mend();
  events.length = 0;
  assert.deepEqual((await embedder.embed(texts)).failed, expected.failed);
  assert.equal(events.filter(({ type }) => type === 'fallback').length, 0);
  const { processes, liveTensors } = await embedder.stats();
  assert.equal(liveTensors, 0);
  assert.equal(processes.length, 1);
  assert.notEqual(processes[0]!.pid, first!.pid);
});

test('a device that is lost for good is told at the next start', { skip: withoutLosing }, async (context) => {
  const directory = temporaryDirectory(context);
  useSoftwareVulkan();
  const device = deviceThatCanBeLost(directory);
  writeTinyModel(directory);
  await using embedder = new Embedder({ model: directory, device: 'webgpu' });
  device.lose();
  await assert.rejects(embedder.start(), { code: 'ERR_TIDEMARK_DEVICE', message: /--device cpu/ });
  assert.equal((await embedder.stats()).processes.length, 0);
  device.mend();
  assert.equal((await embedder.embed(['red'])).failed.length, 0);
});

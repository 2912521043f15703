import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Embedder } from '../../src/embed/embedder.ts';
import { Governor } from '../../src/memory/governor.ts';
import { EmbeddingPause } from '../../src/pipeline/embedding-pause.ts';
import { until } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const MARK = 500e6;
const JUST_ENOUGH = 0.8 * MARK;
const TEXTS = Array.from({ length: 100 }, (_, i) => `text ${i}`);

/** A pause over a real embedder, with memory as the test says it is and the lever in its hand. */
async function pausing(t: TestContext) {
  const model = temporaryDirectory(t);
  writeTinyModel(model);
  let loads = 0;
  const onEvent = ({ type }: { type: string }) => {
    if (type === 'loaded') loads++;
  };
  const embedder = new Embedder({ model, onEvent });
  t.after(() => embedder.dispose());
  await embedder.start();
  const memory = { read: () => JUST_ENOUGH };
  const governor = new Governor({
    budgetBytes: MARK,
    read: () => memory.read(),
    roomOutside: () => 1e12,
    onStep: () => {},
  });
  t.after(() => governor[Symbol.dispose]());
  const stop = new AbortController();
  t.after(() => stop.abort());
  const given = { up: 0 };
  const giveUp = () => {
    given.up++;
    stop.abort(new Error('given up'));
  };
  const { lever } = new EmbeddingPause({ embedder, governor, signal: stop.signal, giveUp });
  const processes = async () => (await embedder.stats()).processes.length;
  return { embedder, lever, memory, given, processes, signal: stop.signal, loads: () => loads };
}

test('a pause that begins while the last one ends has its end, too', async (t) => {
  const { embedder, lever, processes, given, loads } = await pausing(t);
  const work = embedder.embed(TEXTS);
  await lever.down();
  await lever.up!();
  await until(() => !embedder.isSuspended);
  await lever.down();
  assert.ok(embedder.isSuspended);
  assert.equal(await processes(), 0);
  assert.deepEqual((await work).failed, []);
  assert.deepEqual([given.up, embedder.isSuspended], [0, false]);
  assert.ok(loads() <= 3, `${loads()} loads`);
});

test('a model that leaves no room for its work is not loaded for ever', async (t) => {
  const { embedder, lever, memory, given, signal, loads } = await pausing(t);
  let running = true;
  memory.read = () => (embedder.isSuspended || !running ? JUST_ENOUGH : 0.95 * MARK);
  const work = (async () => {
    // As the lane does it, one batch after the other.
    while (running) await embedder.embed(TEXTS, { signal });
  })();
  work.catch(() => {});
  await lever.down();
  await until(() => given.up > 0);
  running = false;
  await assert.rejects(work, { message: 'given up' });
  assert.ok(loads() <= 5, `${loads()} loads`);
});

test('nothing is given up where nothing waits for the model', async (t) => {
  const { embedder, lever, memory, given } = await pausing(t);
  memory.read = () => 0.95 * MARK;
  await lever.down();
  // Longer than the governor has patience.
  await setTimeout(16_000);
  assert.equal(given.up, 0);
  const work = embedder.embed(['a text']);
  work.catch(() => {});
  memory.read = () => 0.5 * MARK;
  assert.equal((await work).failed.length, 0);
});

test('taking the step back takes the memory of the model only where it is not there', async (t) => {
  const { embedder, lever } = await pausing(t);
  assert.equal(lever.upBytes!(), 0);
  await lever.down();
  assert.ok(lever.upBytes!() > 10e6, `${lever.upBytes!()} bytes`);
  assert.equal(lever.upBytes!(), embedder.neededBytes);
});

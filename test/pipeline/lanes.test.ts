import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WINDOW_BYTES } from '../../src/chunk/chunk-source.ts';
import { ParserPool } from '../../src/chunk/parser-pool.ts';
import { Embedder } from '../../src/embed/embedder.ts';
import { MemoryBudget } from '../../src/memory/budget.ts';
import { Governor } from '../../src/memory/governor.ts';
import { prepareFile } from '../../src/pipeline/file-job.ts';
import { runSemanticLane } from '../../src/pipeline/semantic-lane.ts';
import { SummaryBuilder } from '../../src/pipeline/summary.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { openIndex } from '../../src/tidemark-index.ts';
import { until } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeSearchTree } from '../support/search-tree.ts';
import { chunkBatch, chunkRow, fileBatch, fileRow, temporaryStore } from '../support/store-rows.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const giveUp = () => assert.fail('there is memory enough');

/** Files of chunks that all differ and have no vector yet. */
async function addPending(store: Store, files: number, chunks: number): Promise<void> {
  for (let file = 0; file < files; file++) {
    const [seq, path] = [store.nextSeq(), `${file}.ts`];
    const chunk = (_: unknown, ordinal: number) =>
      chunkRow({ id: `${file}-${ordinal}`.padStart(32, '0'), seq, path, ordinal });
    await store.addChunks(chunkBatch(Array.from({ length: chunks }, chunk)));
    await store.addFiles(fileBatch([fileRow({ rev: store.nextRev(), seq, path, chunks })]));
  }
}

test('files whose vectors could not be written are not told to have them', async (t) => {
  const [root, model] = [temporaryDirectory(t), temporaryDirectory(t)];
  writeSearchTree(root);
  writeTinyModel(model);
  await using index = await openIndex(root);
  for await (const _ of index.update({ embed: false }));
  await using store = await openStore(index.indexDir, { create: false, mode: 'write' });
  await using embedder = new Embedder({ model });
  await store.setModel(await embedder.start());
  using governor = new Governor({ budgetBytes: 8e9, onStep: () => {} });
  using inFlight = new MemoryBudget(50e6);
  let full = true;
  const fillingUp = new Proxy(store, {
    get(target, key) {
      if (key === 'addVectors' && full) return () => Promise.reject(new Error('no space left'));
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const { signal } = new AbortController();
  const run = async () => {
    const summary = new SummaryBuilder();
    const lane = runSemanticLane({
      store: fillingUp,
      embedder,
      inFlight,
      governor,
      summary,
      signal,
      giveUp,
    });
    for await (const _ of lane);
  };
  await assert.rejects(run(), /no space left/);
  const { files } = await store.counts();
  assert.equal(files.embedded.files, 0);
  full = false;
  await run();
  const { files: now, vectors } = await store.counts();
  assert.equal(now.pending.files, 0);
  assert.equal(vectors, now.embedded.chunks);
});

test('a file that is larger than the walk said does not wait in memory', async (t) => {
  const root = temporaryDirectory(t);
  writeFileSync(join(root, 'log.txt'), 'a line that somebody has just written\n'.repeat(200_000));
  await using pool = new ParserPool();
  const file = { type: 'file' as const, path: 'log.txt', size: 38, mtimeNs: 1n };
  const { signal } = new AbortController();
  const outcome = await prepareFile(root, { file, row: null, outdated: false }, pool, signal);
  assert.equal(outcome.type, 'stream');
});

test('keys of vectors are indexed while embedding goes on, where memory allows it', async (t) => {
  const model = temporaryDirectory(t);
  writeTinyModel(model);
  await using embedder = new Embedder({ model });
  const info = await embedder.start();
  const FILES = 5;
  const CHUNKS = 2100;
  for (const inFlightBytes of [50e6, 100e3]) {
    const store = await temporaryStore(t);
    await store.setModel(info);
    await addPending(store, FILES, CHUNKS);
    using governor = new Governor({ budgetBytes: 8e9, onStep: () => {} });
    using inFlight = new MemoryBudget(inFlightBytes);
    const summary = new SummaryBuilder();
    const { signal } = new AbortController();
    const lane = runSemanticLane({
      store,
      embedder,
      inFlight,
      governor,
      summary,
      signal,
      giveUp,
    });
    for await (const _ of lane);
    const { files, vectors } = await store.counts();
    assert.deepEqual([files.pending.files, vectors], [0, FILES * CHUNKS]);
    assert.equal(inFlight.leases, 0);
    const missing = inFlightBytes < 1e6 ? ['vectors.id', 'vectors.hash'] : [];
    assert.deepEqual(await store.buildScalarIndexes({ only: 'vectors' }), missing);
  }
});

/** A semantic lane over what is pending, with memory as the test says it is. */
async function squeezed(t: TestContext, bytes: () => number) {
  const steps: string[] = [];
  const model = temporaryDirectory(t);
  writeTinyModel(model);
  const embedder = new Embedder({ model });
  t.after(() => embedder.dispose());
  const store = await temporaryStore(t);
  await store.setModel(await embedder.start());
  await addPending(store, 4, 1000);
  const governor = new Governor({
    budgetBytes: 500e6,
    read: bytes,
    roomOutside: () => 1e12,
    onStep: ({ direction, step }) => steps.push(`${direction} ${step}`),
  });
  t.after(() => governor[Symbol.dispose]());
  const inFlight = new MemoryBudget(30e6);
  const givenUp: number[] = [];
  const summary = new SummaryBuilder();
  const run = async () => {
    const { signal } = new AbortController();
    const lane = runSemanticLane({
      ...{ store, embedder, inFlight, governor, summary, signal },
      giveUp: () => givenUp.push(summary.chunks.embedded),
    });
    for await (const _ of lane);
    assert.equal(inFlight.leases, 0);
  };
  return { run, store, embedder, summary, givenUp, steps };
}

test('embedding pauses without a process where memory is short, and goes on when there is room', async (t) => {
  let bytes = 480e6;
  const { run, store, embedder, givenUp, steps } = await squeezed(t, () => bytes);
  const running = run();
  await until(() => steps.includes('down embedding-paused'));
  await until(async () => (await embedder.stats()).processes.length === 0);
  const { files } = await store.counts();
  assert.ok(files.pending.files > 0);
  bytes = 100e6;
  await running;
  assert.deepEqual(
    [steps.includes('up embedding-paused'), (await store.counts()).files.pending.files, givenUp],
    [true, 0, []],
  );
});

test('a pause that ends with just enough room does not end the process after each batch', async (t) => {
  let bytes = 480e6;
  const { run, store, embedder, steps } = await squeezed(t, () => bytes);
  const running = run();
  await until(() => steps.includes('down embedding-paused'));
  // Too much to take the step back, too little to wait any longer.
  bytes = 400e6;
  await running;
  assert.equal((await store.counts()).files.pending.files, 0);
  const { recycles } = await embedder.stats();
  assert.ok(recycles <= 3, `${recycles} times`);
});

test('a pause begins anew when memory is short again before the step is taken back', async (t) => {
  let bytes = 480e6;
  const { run, store, embedder, givenUp, steps } = await squeezed(t, () => bytes);
  const processes = async () => (await embedder.stats()).processes.length;
  const running = run();
  await until(() => steps.includes('down embedding-paused'));
  bytes = 400e6;
  await until(async () => (await processes()) > 0);
  bytes = 480e6;
  await until(async () => (await processes()) === 0);
  assert.ok(!steps.includes('up embedding-paused'));
  assert.ok((await store.counts()).files.pending.files > 0);
  bytes = 100e6;
  await running;
  assert.deepEqual([(await store.counts()).files.pending.files, givenUp], [0, []]);
});

test('where memory stays short embedding is left to a later run, and what is done is kept', async (t) => {
  let bytes = 100e6;
  const { run, store, summary, givenUp } = await squeezed(t, () => bytes);
  const running = run();
  await until(() => summary.chunks.embedded + summary.chunks.reused > 500);
  bytes = 490e6;
  await running;
  const { files, vectors } = await store.counts();
  assert.equal(givenUp.length, 1);
  assert.ok(vectors >= 500 && files.pending.files > 0, `${vectors} vectors`);
  assert.equal(summary.chunks.embedded, givenUp[0], 'nothing is embedded after it');
  bytes = 100e6;
  await run();
  assert.equal((await store.counts()).files.pending.files, 0);
});

test('how much of a large file is read is told while it is read', async (t) => {
  const root = temporaryDirectory(t);
  const record = (i: number) => JSON.stringify({ id: i, name: `user ${i}`, tags: ['a', i % 7] });
  const text = `[${Array.from({ length: 100_000 }, (_, i) => record(i)).join()}]`;
  writeFileSync(join(root, 'one-line.json'), text);
  await using index = await openIndex(root);
  const told: number[] = [];
  for await (const event of index.update({ embed: false }))
    if (event.type === 'progress') told.push(event.bytes);
  assert.ok(text.length > 4 * WINDOW_BYTES);
  const within = new Set(told.filter((bytes) => bytes > 0 && bytes < text.length));
  assert.ok(within.size >= 2, `${[...within]} of ${text.length}`);
  assert.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
    'it never goes back',
  );
  assert.equal(told.at(-1), text.length);
});

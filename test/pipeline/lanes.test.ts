import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ParserPool } from '../../src/chunk/parser-pool.ts';
import { Embedder } from '../../src/embed/embedder.ts';
import { MemoryBudget } from '../../src/memory/budget.ts';
import { Governor } from '../../src/memory/governor.ts';
import { prepareFile } from '../../src/pipeline/file-job.ts';
import { runSemanticLane } from '../../src/pipeline/semantic-lane.ts';
import { SummaryBuilder } from '../../src/pipeline/summary.ts';
import { openStore } from '../../src/store/open.ts';
import { openIndex } from '../../src/tidemark-index.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeSearchTree } from '../support/search-tree.ts';
import { chunkBatch, chunkRow, fileBatch, fileRow, temporaryStore } from '../support/store-rows.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

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
      processes: 1,
      inFlight,
      governor,
      summary,
      signal,
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
    for (let file = 0; file < FILES; file++) {
      const [seq, path] = [store.nextSeq(), `${file}.ts`];
      const chunk = (_: unknown, ordinal: number) =>
        chunkRow({ id: `${file}-${ordinal}`.padStart(32, '0'), seq, path, ordinal });
      await store.addChunks(chunkBatch(Array.from({ length: CHUNKS }, chunk)));
      await store.addFiles(fileBatch([fileRow({ rev: store.nextRev(), seq, path, chunks: CHUNKS })]));
    }
    using governor = new Governor({ budgetBytes: 8e9, onStep: () => {} });
    using inFlight = new MemoryBudget(inFlightBytes);
    const summary = new SummaryBuilder();
    const { signal } = new AbortController();
    const lane = runSemanticLane({ store, embedder, processes: 1, inFlight, governor, summary, signal });
    for await (const _ of lane);
    const { files, vectors } = await store.counts();
    assert.deepEqual([files.pending.files, vectors], [0, FILES * CHUNKS]);
    assert.equal(inFlight.leases, 0);
    const missing = inFlightBytes < 1e6 ? ['vectors.id', 'vectors.hash'] : [];
    assert.deepEqual(await store.buildScalarIndexes({ only: 'vectors' }), missing);
  }
});

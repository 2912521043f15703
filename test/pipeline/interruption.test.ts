import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MemoryBudget } from '../../src/memory/budget.ts';
import { Governor } from '../../src/memory/governor.ts';
import type { IndexEvent } from '../../src/pipeline/events.ts';
import { runLexicalLane } from '../../src/pipeline/lexical-lane.ts';
import { SummaryBuilder } from '../../src/pipeline/summary.ts';
import { openStore } from '../../src/store/open.ts';
import { openIndex } from '../../src/tidemark-index.ts';
import { moduleText } from '../support/fixtures.ts';
import {
  childPids,
  copySources,
  embedderPids,
  exportIndex,
  finished,
  indexOnce,
  startIndexing,
  update,
  write,
} from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { temporaryStore } from '../support/store-rows.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const SOURCES = { 'apache-arrow/builder': 10, 'cli-progress/lib': 5 };

/** It is embedded once for each way to stop, so it is small. */
function smallTree(root: string): void {
  copySources(root, SOURCES, 1500);
}

/** What the index of that tree holds when nothing interrupts it. */
let calm: Promise<Awaited<ReturnType<typeof exportIndex>>> | undefined;
async function buildCalm(): ReturnType<typeof exportIndex> {
  const root = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
  try {
    smallTree(root);
    await indexOnce(root);
    return await exportIndex(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

for (const lane of ['lexical', 'semantic'] as const) {
  for (const way of ['signal', 'break'] as const) {
    test(`${way} in the ${lane} lane: nothing is left behind, and the next run goes on`, async (t) => {
      calm ??= buildCalm();
      const expected = await calm;
      const root = temporaryDirectory(t);
      smallTree(root);
      await using index = await openIndex(root);
      const controller = new AbortController();
      const reason = new Error('enough');
      const seen: string[] = [];
      const run = async () => {
        for await (const event of index.update({ signal: controller.signal })) {
          seen.push(event.type);
          if (event.type !== 'progress' || event.lane !== lane) continue;
          if (way === 'break') return;
          controller.abort(reason);
        }
      };
      if (way === 'break') await run();
      else await assert.rejects(run(), reason);
      assert.ok(!seen.includes('done'));
      assert.deepEqual(embedderPids(), [], 'no process embeds any more');

      // The lock is free at once, for another handle too.
      {
        await using store = await openStore(join(root, '.tidemark'), { create: false, mode: 'write' });
        assert.ok((await store.counts()).files.embedded.files === 0);
      }
      const { summary } = await update(index);
      assert.equal(summary.chunks.pending, 0);
      if (lane === 'semantic') assert.equal(summary.files.indexed, 0, 'the lexical lane is not done again');
      assert.deepEqual(await exportIndex(root), expected);
    });
  }
}

test('a signal that is aborted before the run stops it before anything is written', async (t) => {
  const root = temporaryDirectory(t);
  smallTree(root);
  await assert.rejects(indexOnce(root, { signal: AbortSignal.abort(new Error('never')) }), {
    message: 'never',
  });
  await assert.rejects(exportIndex(root), { code: 'ERR_TIDEMARK_NO_INDEX' });
});

test('what is embedded when a run is left is not embedded again', async (t) => {
  const [root, model] = [temporaryDirectory(t), temporaryDirectory(t)];
  writeTinyModel(model);
  for (let i = 0; i < 12; i++) {
    write(
      root,
      `m${i}.ts`,
      moduleText(
        Array.from({ length: 60 }, (_, k) => `read${k}of${i}`),
        `t${i}`,
      ),
    );
  }
  await using index = await openIndex(root, { model });
  let batches = 0;
  for await (const event of index.update()) {
    if (event.type === 'progress' && event.lane === 'semantic' && ++batches === 3) break;
  }
  const { chunks } = (await update(index)).summary;
  assert.ok(chunks.reused >= 256, `${chunks.reused} of the first batches were kept`);
  assert.ok(chunks.embedded > 0);
  assert.deepEqual([chunks.pending, chunks.written], [0, 0]);
});

test('what runs ahead of the lexical lane gives its leases back, however it ends', async (t) => {
  const root = temporaryDirectory(t);
  copySources(root, { 'apache-arrow/util': 40 });
  using governor = new Governor({ budgetBytes: 4e9, onStep: () => {} });
  const batches = 2e6;
  const run = (
    store: Awaited<ReturnType<typeof temporaryStore>>,
    inFlight: MemoryBudget,
    signal: AbortSignal,
  ) =>
    runLexicalLane({
      root,
      exclude: [],
      store,
      outdated: false,
      inFlight,
      governor,
      flushBytes: batches / 2,
      parsers: 2,
      parserHeapBytes: 64e6,
      summary: new SummaryBuilder(),
      signal,
    });
  const store = await temporaryStore(t);
  for (const end of ['break', 'abort', 'end'] as const) {
    // So little that files wait for each other.
    const inFlight = new MemoryBudget(batches + 100_000);
    const controller = new AbortController();
    let events = 0;
    const consume = async () => {
      for await (const event of run(store, inFlight, controller.signal)) {
        if (event.type !== 'progress') continue;
        assert.ok(inFlight.takenBytes <= inFlight.totalBytes || inFlight.leases === 2);
        events++;
        if (end === 'break') return;
        if (end === 'abort') controller.abort();
      }
    };
    if (end === 'abort') await assert.rejects(consume(), { name: 'AbortError' });
    else await consume();
    assert.ok(events > 0);
    assert.deepEqual([inFlight.leases, inFlight.takenBytes], [0, 0], end);
  }
});

test('of two runs at once one goes on and the other is told who is busy', async (t) => {
  const root = temporaryDirectory(t);
  smallTree(root);
  await using index = await openIndex(root);
  await using other = await openIndex(root);
  const events: IndexEvent[] = [];
  for await (const event of index.update({ embed: false })) {
    if (events.push(event) > 1) continue;
    await assert.rejects(update(other, { embed: false }), {
      code: 'ERR_TIDEMARK_INDEX_BUSY',
      message: new RegExp(`pid ${process.pid}`),
    });
    // The other one's failure must not have touched the lock.
    await assert.rejects(update(other, { embed: false }), { code: 'ERR_TIDEMARK_INDEX_BUSY' });
  }
  assert.equal(events.at(-1)?.type, 'done');
  const { summary } = await update(other, { embed: false });
  assert.equal(summary.files.indexed, 0);
});

test('of two processes that begin at the same moment at least one ends well, and the index is right', async (t) => {
  const [root, calm] = [temporaryDirectory(t), temporaryDirectory(t)];
  smallTree(root);
  smallTree(calm);
  const runs = [1, 2].map(() => startIndexing(root, ['--no-embed'], { quiet: true }));
  const results = await Promise.allSettled(runs.map(finished));
  assert.ok(results.some(({ status }) => status === 'fulfilled'));
  await indexOnce(calm, { embed: false });
  assert.deepEqual(await exportIndex(root), await exportIndex(calm));
  assert.deepEqual(
    childPids().filter((pid) => runs.some((run) => run.pid === pid)),
    [],
  );
});

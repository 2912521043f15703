import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeGateTree } from '../../bench/lib/gate/gate-tree.ts';
import { indexRun } from '../../bench/lib/index-run.ts';
import { openIndex } from '../../src/index.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const linux = { skip: process.platform !== 'linux' };

/** A module that holds memory in the process that indexes: what the rest has is so much less. */
function hog(root: string, bytes: number): string {
  const path = join(root, 'hog.mjs');
  writeFileSync(
    path,
    `if (process.argv[1].endsWith('main.js') && process.env.TIDEMARK_RELAY_PID)
       globalThis.hog = Buffer.alloc(${bytes}, 1);`,
  );
  return pathToFileURL(path).href;
}

test('with little left it steps down, says so, and completes', linux, async (t) => {
  const root = temporaryDirectory(t);
  const tree = join(root, 'tree');
  makeGateTree(tree, 400);
  const index = join(root, 'index');
  const { code, steps, stderr, summary } = await indexRun({
    tree,
    index,
    memory: '300MB',
    embed: false,
    env: { NODE_OPTIONS: `--import ${hog(root, 170e6)}` },
  });
  assert.equal(code, 0);
  assert.equal(summary!.files.indexed, 400);
  const taken = summary!.degraded.map(({ step }) => step);
  assert.equal(taken[0], 'smaller-batches', taken.join());
  for (const { step, reason } of summary!.degraded.slice(0, 1)) {
    assert.ok(steps.some((entry) => entry.step === step));
    assert.match(reason, /^memory was at \d+ MB of 300 MB$/);
    assert.ok(stderr.split('\n').includes(`${step}: ${reason}`), stderr);
  }
  assert.ok(steps.some(({ step }) => step === 'smaller-batches taken back'));
  assert.match(stderr, /^smaller-batches taken back: its stage has ended$/m);
  await using opened = await openIndex(tree, { index });
  assert.ok((await opened.search('record batch')).hits.length > 0);
});

test(
  'with nothing left the semantic lane gives way, and the next run with room goes on',
  linux,
  async (t) => {
    const root = temporaryDirectory(t);
    const [tree, model, index] = [join(root, 'tree'), join(root, 'model'), join(root, 'index')];
    makeGateTree(tree, 300);
    writeTinyModel(model);
    const options = { tree, model, index, memory: '450MB', embed: true };
    const first = await indexRun({ ...options, env: { NODE_OPTIONS: `--import ${hog(root, 380e6)}` } });
    const steps = first.summary!.degraded.map(({ step }) => step);
    assert.ok(steps.includes('lexical-only'), steps.join());
    assert.equal(first.code, 3, 'something is missing from the index');
    const { chunks } = first.summary!;
    assert.ok(chunks.pending > 0);
    assert.equal(first.summary!.files.indexed, 300, 'the lexical lane is whole');
    const second = await indexRun(options);
    assert.ok(second.summary!.chunks.embedded > 0);
    assert.ok(!second.summary!.degraded.some(({ step }) => step === 'lexical-only'));
  },
);

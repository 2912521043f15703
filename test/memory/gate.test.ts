import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runGate } from '../../bench/lib/gate/gate.ts';
import { makeGateTree } from '../../bench/lib/gate/gate-tree.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const linux = { skip: process.platform !== 'linux' };

test(
  '2,000 files under the smallest mark and one with room: never above it, and nothing is left in any process',
  linux,
  async (t) => {
    const tree = temporaryDirectory(t);
    makeGateTree(tree, 2000);
    for (const memory of ['300MB', '512MB']) {
      const { findings, run } = await runGate({ tree, memory });
      assert.deepEqual(findings, [], memory);
      assert.equal(run.summary!.files.seen, 2000);
      assert.ok(run.samples.length > 10, 'it was watched');
    }
  },
);

test('both lanes under their smallest mark', linux, async (t) => {
  const root = temporaryDirectory(t);
  const [tree, model] = [join(root, 'tree'), join(root, 'model')];
  makeGateTree(tree, 300);
  writeTinyModel(model);
  const { findings, run } = await runGate({ tree, model, memory: '450MB' });
  assert.deepEqual(findings, []);
  assert.ok(run.summary!.chunks.embedded > 1000);
});

test('a leak that is put in is found and named', linux, async (t) => {
  const tree = temporaryDirectory(t);
  makeGateTree(tree, 400);
  for (const plant of ['map', 'tree'] as const) {
    const { findings } = await runGate({ tree, memory: '450MB', plant });
    assert.deepEqual(
      findings.map(({ name }) => name),
      [plant],
    );
  }
});

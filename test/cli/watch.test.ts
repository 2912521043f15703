import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import type { Summary } from '../../src/pipeline/summary.ts';
import { assertError, resultOf, runCli, startCli, writeSmallTree } from '../support/cli-runs.ts';
import { childPids, exportIndex, indexOnce, until } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

/** Starts `tidemark watch --json`; `next` gives the files of its next summary. */
function startWatch(context: TestContext, root: string) {
  const child = startCli(['watch', root, '--json', '--no-embed']);
  context.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async (): Promise<Summary['files']> => {
    const { value, done } = await lines.next();
    assert.ok(!done, 'it ended');
    return (JSON.parse(value) as Summary).files;
  };
  return { child, next };
}

// What is missed would be waited for without end.
const LIMIT = { timeout: 120_000 };

test('watch keeps the index current, and Ctrl-C ends it', LIMIT, async (context) => {
  const root = join(temporaryDirectory(context), 'tree');
  writeSmallTree(root);
  const { child, next } = startWatch(context, root);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  assert.equal((await next()).indexed, 12);

  writeFileSync(join(root, 'added.ts'), 'export const added = 1;\n');
  assert.deepEqual(await next(), { seen: 13, indexed: 1, unchanged: 12, removed: 0, skipped: {} });

  // What is below a directory that is new is watched as well.
  mkdirSync(join(root, 'deep/er'), { recursive: true });
  renameSync(join(root, 'added.ts'), join(root, 'deep/er/moved.ts'));
  let files = await next();
  if (files.removed === 0 || files.indexed === 0) files = await next();
  assert.equal(files.seen, 13);

  writeFileSync(join(root, 'deep/er/moved.ts'), 'export const moved = 2;\n');
  assert.equal((await next()).indexed, 1);
  rmSync(join(root, 'deep'), { recursive: true });
  assert.equal((await next()).removed, 1);

  // Hundreds of edits are a few rounds, and none is missed.
  for (let i = 0; i < 300; i++) writeFileSync(join(root, `many${i % 30}.ts`), `export const many = ${i};\n`);
  // A round may begin in the midst of them: the one that sees this file sees all.
  writeFileSync(join(root, 'last.ts'), 'export const last = 1;\n');
  let seen = 0;
  while (seen < 43) seen = (await next()).seen;
  child.kill('SIGINT');
  assert.equal(await ended, 0);

  const fresh = join(temporaryDirectory(context), 'fresh');
  const expected = await exportIndex(root);
  renameSync(join(root, '.tidemark'), `${fresh}.old`);
  await indexOnce(root, { embed: false });
  assert.deepEqual(await exportIndex(root), expected);
});

test('watch waits for another writer, and goes on with what it finds', LIMIT, async (context) => {
  const root = join(temporaryDirectory(context), 'tree');
  writeSmallTree(root);
  const { child, next } = startWatch(context, root);
  await next();
  writeFileSync(join(root, 'one.ts'), 'export const one = 1;\n');
  const other = await runCli(['index', root, '--no-embed', '--json']);
  // Whoever was first: one has written, and the other was told or waited.
  assert.ok(other.code === 0 || /is indexing/.test(other.stderr), other.stderr);
  writeFileSync(join(root, 'two.ts'), 'export const two = 2;\n');
  let seen = 0;
  while (seen < 14) seen = (await next()).seen;
  const before = childPids(child.pid);
  child.kill('SIGTERM');
  await resultOf(child);
  await until(() => before.every((pid) => !childPids().includes(pid)));
});

test('watch says what is wrong in one line', async (context) => {
  const root = join(temporaryDirectory(context), 'missing');
  assertError(await runCli(['watch', root]), 1, /no directory .*missing/);
  assertError(await runCli(['watch', root, '--limit', '3']), 2, /unknown option/);
});

import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertError, jsonLines, runCli, runCliInTurn, runJson, write } from '../support/cli-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

/** Permissions do not hold for root, so that the command runs as nobody then. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

test('what cannot be read is said, and the exit code is 3', async (t) => {
  if (process.platform === 'win32') return t.skip('no such permissions');
  const top = temporaryDirectory(t);
  const root = join(top, 'tree');
  write(root, 'open.py', 'def seen():\n    return 1\n');
  write(root, 'secret.py', 'def hidden():\n    return 2\n');
  write(root, 'closed/inner.py', 'def inner():\n    return 3\n');
  const own = (path: string): void => (isRoot ? chownSync(path, NOBODY, NOBODY) : undefined);
  for (const path of [top, root, join(root, 'secret.py'), join(root, 'closed')]) own(path);
  using _open = {
    [Symbol.dispose]: () => {
      for (const path of [root, join(root, 'closed')]) chmodSync(path, 0o755);
    },
  };
  chmodSync(join(root, 'secret.py'), 0);
  chmodSync(join(root, 'closed'), 0);
  const options = { env: { HOME: '/nonexistent' }, ...(isRoot ? { uid: NOBODY } : {}) };
  const probe = await runCli(['--version'], options);
  if (probe.code !== 0) return t.skip('another user cannot read these sources');

  const [summary] = await runJson(['index', root, '--no-embed', '--index', join(root, 'idx')], {
    ...options,
    code: 3,
  });
  assert.equal(summary.files.indexed, 1);
  assert.deepEqual(summary.files.skipped, { unreadable: 2 });
  const plain = await runCli(['index', root, '--no-embed', '--index', join(root, 'idx')], options);
  assert.equal(plain.code, 3);
  assert.match(plain.stdout, /1 unchanged, 0 removed; skipped: 2 unreadable$/m);
  assert.match(plain.stdout, /^note {4}not everything could be indexed; --verbose names each file/m);
  const verbose = await runCli(
    ['index', root, '--no-embed', '--verbose', '--index', join(root, 'idx')],
    options,
  );
  assert.equal(verbose.stderr, 'skipped closed/: unreadable\nskipped secret.py: unreadable\n');

  chmodSync(root, 0o500);
  assertError(
    await runCli(['index', root, '--no-embed'], options),
    1,
    /cannot be written; check its permissions/,
  );
  chmodSync(root, 0o000);
  assertError(await runCli(['index', root, '--no-embed'], options), 1, /cannot be read \(EACCES\)/);
});

test('a model that is not there, is damaged, or is another than the index has', async (t) => {
  const root = temporaryDirectory(t);
  const tree = join(root, 'tree');
  write(tree, 'colours.txt', 'red green blue\n');
  const corrupt = join(root, 'corrupt');
  writeTinyModel(corrupt);
  writeFileSync(join(corrupt, 'model.onnx'), 'not a model');
  const tiny = join(root, 'tiny');
  writeTinyModel(tiny);
  mkdirSync(join(root, 'empty'));

  const index = (...args: string[]) => ['index', tree, ...args];
  const [none, empty, broken] = await runCliInTurn([
    index('--model', join(root, 'none')),
    index('--model', join(root, 'empty')),
    index('--model', corrupt),
  ]);
  assertError(none!, 1, /none is no directory here/);
  assertError(empty!, 1, /no model in .*empty.*tokenizer\.json/);
  assertError(broken!, 1, /corrupt/);

  const made = await runCli(['index', tree, '--model', tiny, '--json']);
  assert.equal(made.code, 0, made.stderr);
  const [{ embedder, chunks }] = jsonLines(made.stdout);
  assert.equal(embedder.dimensions, 3);
  assert.equal(chunks.embedded, 1);
  const before = readdirSync(join(tree, '.tidemark'));
  const named = 'tidemark/all-MiniLM-L6-v2';
  const [update, other, search, byName] = await runCliInTurn([
    index(),
    ['search', 'red', tree],
    ['search', 'red', tree, '--json', '--mode', 'semantic', '--model', tiny],
    index('--index', join(root, 'named'), '--model', named, '--json'),
  ]);
  assertError(update!, 1, /holds vectors of local\/tiny@.*, not of tidemark\/all-MiniLM-L6-v2/);
  assertError(other!, 1, /holds vectors of local\/tiny@/);
  assert.deepEqual(readdirSync(join(tree, '.tidemark')), before);
  assert.equal(jsonLines(search!.stdout)[0].hits.length, 1);
  assert.equal(jsonLines(byName!.stdout)[0].embedder.model, named);
});

test('ignore rules that leave nothing are told, with the way to take files back', async (t) => {
  const root = temporaryDirectory(t);
  write(root, '.gitignore', '/*\n');
  write(root, 'a.py', 'x = 1\n');
  const index = ['index', root, '--no-embed'];
  const nothing = await runCli(index);
  assert.equal(nothing.code, 0);
  assert.match(nothing.stdout, /no file to index.*!\* in a \.tidemarkignore/);
  write(root, '.tidemarkignore', '!*\n');
  const all = await runCli(index);
  assert.match(all.stdout, /^files {3}[1-9]/);
  assert.doesNotMatch(all.stdout, /no file to index/);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type ListedName, listDirectory } from '../../src/walk/directory.ts';
import { comparePaths } from '../../src/walk/path-codec.ts';
import { resolvePath } from '../../src/walk/resolve-path.ts';
import { walk } from '../../src/walk/walk.ts';
import { pick, seededRandom } from './random.ts';
import { collect, temporaryDirectory, walkedPaths, writeTree } from './temporary-tree.ts';

const NAMES = ['a', 'a.b', 'a-b', 'a0', 'A', 'é', '\ue000', '🐈', 'a\\x2f', 'a\\', 'z'].map((name) =>
  Buffer.from(name),
);
NAMES.push(Buffer.from([0x61, 0xff]), Buffer.from([0xc3]), Buffer.from([0xf0, 0x9f]));

function plant(random: () => number, directory: Buffer, depth: number): void {
  for (let i = 0; i < 12; i++) {
    const path = Buffer.concat([
      directory,
      Buffer.from('/'),
      pick(random, NAMES),
      pick(random, [...NAMES, Buffer.alloc(0)]),
    ]);
    try {
      if (random() < 0.3 && depth < 3) {
        mkdirSync(path);
        plant(random, path, depth + 1);
      } else if (random() < 0.1) symlinkSync('nowhere', path);
      else writeFileSync(path, '', { flag: 'wx' });
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EEXIST');
    }
  }
}

test('entries come in the order of their whole paths, each once, and each can be opened', async (t) => {
  const root = temporaryDirectory(t);
  const random = seededRandom(3);
  plant(random, Buffer.from(root), 0);
  const entries = await collect(root);
  const paths = entries.map((entry) => entry.path);
  assert.ok(paths.length > 100);
  assert.deepEqual(
    paths,
    [...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
  assert.deepEqual(paths, [...paths].sort(comparePaths));
  assert.equal(new Set(paths).size, paths.length);
  const found = execFileSync('find', ['.', '!', '-type', 'd', '-print0'], { cwd: root }).toString('latin1');
  assert.equal(paths.length, found.split('\0').length - 1);
  for (const entry of entries) if (entry.type === 'file') statSync(resolvePath(root, entry.path));
});

test('a file carries its size and its time in nanoseconds', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, { 'a.txt': 'five!' });
  const { mtimeNs } = statSync(join(root, 'a.txt'), { bigint: true });
  assert.deepEqual(await collect(root), [{ type: 'file', path: 'a.txt', size: 5, mtimeNs }]);
});

test('symlinks and special files are reported, not followed', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, { 'd/a': '' });
  symlinkSync('.', join(root, 'loop'));
  symlinkSync('/etc/hostname', join(root, 'outside'));
  execFileSync('mkfifo', [join(root, 'fifo'), join(root, '.gitignore')]);
  assert.deepEqual(
    (await collect(root)).map((e) => (e.type === 'skipped' ? `${e.path}: ${e.reason}` : e.path)),
    ['.gitignore: special-file', 'd/a', 'fifo: special-file', 'loop: symlink', 'outside: symlink'],
  );
});

test('what cannot be read is reported in its place and the walk goes on', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, { 'a/x': '', 'a.txt': '', 'blind/x': '', 'c/x': '' });
  chmodSync(root, 0o755);
  chmodSync(join(root, 'a'), 0o000);
  chmodSync(join(root, 'blind'), 0o444);
  // Root may read everything, so it steps down for the walk.
  if (process.getuid?.() === 0) {
    process.seteuid?.(65_534);
    t.after(() => process.seteuid?.(0));
  }
  const entries = (await collect(root)).map((e) => [e.path, e.type === 'skipped' ? e.reason : 'file']);
  await assert.rejects(collect(join(root, 'a')), { code: 'ERR_TIDEMARK_ROOT_UNREADABLE' });
  if (process.getuid?.() === 0) process.seteuid?.(0);
  for (const name of ['a', 'blind']) chmodSync(join(root, name), 0o755);
  assert.deepEqual(entries, [
    ['a.txt', 'file'],
    ['a/', 'unreadable'],
    ['blind/x', 'unreadable'],
    ['c/x', 'file'],
  ]);
});

test('what vanishes during the walk is passed over', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, { 'a/x': '', 'b/x': '', 'c/x': '', d: '' });
  const paths: string[] = [];
  for await (const entry of walk(root)) {
    paths.push(entry.path);
    rmSync(join(root, 'b'), { recursive: true, force: true });
    rmSync(join(root, 'd'), { force: true });
  }
  assert.deepEqual(paths, ['a/x', 'c/x']);
});

test('excluded paths are not entered, however the root is spelled', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, { 'real/a': '', 'real/index/x': '', 'real/index2/x': '', 'real/..odd/x': '' });
  symlinkSync('real', join(root, 'alias'));
  const expected = ['..odd/x', 'a', 'index2/x'];
  for (const spelled of ['real', 'alias']) {
    for (const excluded of ['real', 'alias']) {
      const exclude = [join(root, excluded, 'index'), root.replace(/[^/]+$/, '')];
      assert.deepEqual(await walkedPaths(join(root, spelled), { exclude }), expected);
    }
  }
  assert.deepEqual(await walkedPaths(join(root, 'real'), { exclude: [join(root, 'real/..odd')] }), [
    'a',
    'index/x',
    'index2/x',
  ]);
});

test('an abort ends the walk with its reason', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`d${i % 9}/${i}`, ''])));
  const reason = new Error('enough');
  await assert.rejects(collect(root, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  let seen = 0;
  await assert.rejects(async () => {
    for await (const _ of walk(root, { signal: controller.signal })) {
      if (++seen === 3) controller.abort(reason);
    }
  }, reason);
  assert.equal(seen, 3);
});

test('no file handle stays open when the consumer leaves', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`a/b/c${i % 9}/${i}`, ''])));
  const open = (): number => readdirSync('/proc/self/fd').length;
  await collect(root);
  const before = open();
  for (let i = 0; i < 20; i++) for await (const _ of walk(root)) break;
  assert.equal(open(), before);
});

test('a tree deeper than the system can name is walked as far as it goes', async (t) => {
  const root = temporaryDirectory(t);
  t.after(() => execFileSync('rm', ['-rf', root]));
  const home = process.cwd();
  try {
    process.chdir(root);
    for (let i = 0; i < 2_000; i++) {
      mkdirSync('deep');
      process.chdir('deep');
      if (i % 100 === 0) writeFileSync('f', '');
    }
  } finally {
    process.chdir(home);
  }
  const entries = await collect(root);
  const last = entries.filter((entry) => entry.type === 'skipped');
  assert.deepEqual(
    last.map((entry) => entry.reason),
    ['path-too-long'],
  );
  assert.match(last[0]?.path ?? '', /^(deep\/){700,}$/);
  assert.ok(entries.length > 8);
  execFileSync('rm', ['-rf', join(root, 'deep')]);
});

test('a listing is the same by either way of reading names', async (t) => {
  const root = temporaryDirectory(t);
  // More than one read brings, and not a multiple of it.
  for (let i = 0; i < 2_500; i++) writeFileSync(join(root, `many-${i}`), '');
  plant(seededRandom(5), Buffer.from(root), 2);
  const sorted = async (encoding: 'latin1' | 'buffer'): Promise<ListedName[]> =>
    [...((await listDirectory(root, undefined, encoding)) as ListedName[])].sort();
  const names = await sorted('latin1');
  assert.ok(names.some((name) => name.includes('\xff') || name.includes('\xc3')));
  assert.equal(new Set(names).size, readdirSync(Buffer.from(root)).length);
  assert.deepEqual(await sorted('buffer'), names);
});

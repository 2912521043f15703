import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { assertSafeRoot, resolveRoot } from '../../src/walk/root.ts';
import { collect, temporaryDirectory } from './temporary-tree.ts';

test('a root that is missing or no directory is refused with what to do', async (t) => {
  const root = temporaryDirectory(t);
  writeFileSync(join(root, 'file'), '');
  await assert.rejects(collect(join(root, 'none')), { code: 'ERR_TIDEMARK_ROOT_MISSING' });
  await assert.rejects(collect(join(root, 'file')), { code: 'ERR_TIDEMARK_ROOT_NOT_A_DIRECTORY' });
  await assert.rejects(collect(join(root, 'file/x')), { code: 'ERR_TIDEMARK_ROOT_NOT_A_DIRECTORY' });
  symlinkSync('loop', join(root, 'loop'));
  await assert.rejects(resolveRoot(join(root, 'loop')), { code: 'ERR_TIDEMARK_ROOT_UNREADABLE' });
});

test('the root of the file system, the home directory and its parents need force', async (t) => {
  const root = temporaryDirectory(t);
  const home = join(root, 'users/me');
  mkdirSync(join(home, 'project'), { recursive: true });
  mkdirSync(join(root, 'users/me2'));
  symlinkSync(home, join(root, 'alias'));
  const before = process.env.HOME;
  process.env.HOME = home;
  t.after(() => {
    if (before === undefined) delete process.env.HOME;
    else process.env.HOME = before;
  });
  assert.equal(homedir(), home);
  const unsafe = { code: 'ERR_TIDEMARK_UNSAFE_ROOT', message: /--force/ };
  for (const path of ['/', home, dirname(home), root, join(root, 'alias'), join(home, 'project/..')]) {
    await assert.rejects(assertSafeRoot(path), unsafe, path);
    await assertSafeRoot(path, { force: true });
  }
  await assertSafeRoot(join(home, 'project'));
  await assertSafeRoot(join(root, 'users/me2'));
});

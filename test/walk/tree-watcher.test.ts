import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TreeWatcher } from '../../src/walk/tree-watcher.ts';
import { temporaryDirectory, writeTree } from './temporary-tree.ts';

test('a link to itself is a change like any other', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, { 'src/a.ts': 'export const a = 1;\n' });
  await using watcher = await TreeWatcher.start(root, []);
  symlinkSync('loop', join(root, 'src/loop'));
  await watcher.changed(AbortSignal.timeout(20_000));
  writeTree(root, { 'src/a.ts': 'export const a = 2;\n' });
  await watcher.changed(AbortSignal.timeout(20_000));
});

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TreeWatcher } from '../../src/walk/tree-watcher.ts';

test('a link to itself is a change like any other', async (t) => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'tidemark-watcher-')));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'src'));
  await using watcher = await TreeWatcher.start(root, []);
  symlinkSync('loop', join(root, 'src/loop'));
  await watcher.changed(AbortSignal.timeout(20_000));
  writeFileSync(join(root, 'src/a.ts'), 'export const a = 1;\n');
  await watcher.changed(AbortSignal.timeout(20_000));
});

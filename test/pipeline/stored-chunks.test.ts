import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { chunkFile } from '../../src/index.ts';
import { openIndex } from '../../src/tidemark-index.ts';
import { comparePaths } from '../../src/walk/path-codec.ts';
import { copySources, update, write } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

test('the chunks of an index come in order, those of a file of ten thousand chunks too', async (t) => {
  const root = temporaryDirectory(t);
  copySources(root, { 'commander/lib': 4, 'apache-arrow/fb': 12 });
  const line = (i: number) => `${i},${'a red boat on a green river,'.repeat(4)}${i * 7}\n`;
  write(root, 'docs/table.txt', Array.from({ length: 60_000 }, (_, i) => line(i)).join(''));
  write(root, 'empty.ts', '');
  await using index = await openIndex(root);
  await update(index, { embed: false });
  // One that has changed has chunks of two versions in the table.
  write(
    root,
    'docs/table.txt',
    Array.from({ length: 60_000 }, (_, i) => line(i === 30_000 ? 0 : i)).join(''),
  );
  await update(index, { embed: false });

  const files: { path: string; chunks: number }[] = [];
  for await (const file of index.files()) files.push(file);
  assert.deepEqual(
    files.map(({ path }) => path),
    files.map(({ path }) => path).sort(comparePaths),
  );
  assert.ok(files.find(({ path }) => path === 'docs/table.txt')!.chunks > 10_000);
  const stored = index.chunks();
  for (const { path, chunks } of files) {
    let count = 0;
    for await (const chunk of chunkFile(join(root, path))) {
      const { value } = await stored.next();
      assert.deepEqual(value, { path, ...chunk });
      count++;
    }
    assert.equal(count, chunks);
  }
  assert.equal((await stored.next()).done, true);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { openIndex } from '../../src/tidemark-index.ts';
import { moduleText, writeOld } from '../support/fixtures.ts';
import { exportIndex, indexOnce, update, write } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

const LINE = 'export const value = compute("a line of a file that grows");\n';

async function chunkRows(root: string): Promise<{ rows: number; committed: number }> {
  await using store = await openStore(join(root, '.tidemark'), { create: false, mode: 'read' });
  const { chunks, files } = await store.counts();
  return { rows: chunks, committed: files.pending.chunks + files.embedded.chunks };
}

test('a file that grows while it is read is whole after the next run', async (t) => {
  const root = temporaryDirectory(t);
  // Several windows, so that it is read while events come out.
  write(root, 'log.ts', LINE.repeat(40_000));
  write(root, 'still.ts', LINE);
  await using index = await openIndex(root);
  let appended = 0;
  for await (const event of index.update({ embed: false })) {
    if (event.type !== 'progress' || appended > 4) continue;
    appendFileSync(join(root, 'log.ts'), LINE.repeat(1000));
    appended++;
  }
  assert.ok(appended > 0);
  const { summary } = await update(index, { embed: false });
  assert.deepEqual([summary.files.skipped, summary.files.seen], [{}, 2]);
  assert.deepEqual((await update(index, { embed: false })).summary.files.unchanged, 2);
  for await (const file of index.files()) {
    assert.equal(file.size, statSync(join(root, file.path)).size, file.path);
  }
  const copy = temporaryDirectory(t);
  renameSync(join(root, 'log.ts'), join(copy, 'log.ts'));
  renameSync(join(root, 'still.ts'), join(copy, 'still.ts'));
  await indexOnce(copy, { embed: false });
  assert.deepEqual(await exportIndex(root), await exportIndex(copy));
});

test('files that shrink, vanish or are replaced under way harm no other', async (t) => {
  const root = temporaryDirectory(t);
  write(root, 'a.ts', LINE.repeat(60_000));
  write(root, 'b.ts', LINE.repeat(60_000));
  for (let i = 0; i < 40; i++) write(root, `m/${i}.ts`, moduleText(['open'], `topic${i}`));
  await using index = await openIndex(root);
  let shrunk = false;
  for await (const event of index.update({ embed: false })) {
    if (event.type !== 'progress' || shrunk) continue;
    shrunk = true;
    truncateSync(join(root, 'a.ts'), 100);
    rmSync(join(root, 'b.ts'));
    for (let i = 20; i < 40; i++) rmSync(join(root, `m/${i}.ts`));
  }
  const { summary } = await update(index, { embed: false });
  assert.deepEqual([summary.files.seen, summary.files.skipped], [21, {}]);
  const paths: string[] = [];
  for await (const { path } of index.files()) paths.push(path);
  assert.deepEqual(paths, ['a.ts', ...Array.from({ length: 20 }, (_, i) => `m/${i}.ts`)].sort());
  const { rows, committed } = await chunkRows(root);
  assert.equal(rows, committed, 'no chunk is left of what went');
});

test('a directory that cannot be read keeps its rows, and says so', async (t) => {
  const root = temporaryDirectory(t);
  for (const name of ['closed/a.ts', 'closed/deep/b.ts', 'open/c.ts']) {
    writeOld(root, name, moduleText(['open'], 'topic'));
  }
  await using index = await openIndex(root);
  await update(index, { embed: false });
  const before = await exportIndex(root);

  // Root may read anything: what it does is done as somebody else.
  const asRoot = process.getuid?.() === 0;
  if (asRoot) {
    execFileSync('chown', ['-R', 'nobody', root]);
    execFileSync('chmod', ['755', root]);
    process.seteuid?.('nobody');
  }
  t.after(() => {
    if (asRoot) process.seteuid?.(0);
  });
  chmodSync(join(root, 'closed'), 0o000);
  const { summary } = await update(index, { embed: false });
  chmodSync(join(root, 'closed'), 0o755);
  if (asRoot) process.seteuid?.(0);

  assert.deepEqual([summary.files.removed, summary.files.skipped], [0, { unreadable: 1 }]);
  assert.deepEqual(await exportIndex(root), before);

  rmSync(join(root, 'closed'), { recursive: true });
  assert.equal((await update(index, { embed: false })).summary.files.removed, 2);
});

test('a file that becomes something else leaves the index', async (t) => {
  const root = temporaryDirectory(t);
  for (const name of ['a', 'b', 'c', 'd']) writeOld(root, `${name}.ts`, moduleText(['open'], name));
  await using index = await openIndex(root);
  await update(index, { embed: false });
  for (const name of ['a.ts', 'b.ts', 'c.ts']) rmSync(join(root, name));
  execFileSync('mkfifo', [join(root, 'a.ts')]);
  execFileSync('ln', ['-s', 'd.ts', join(root, 'b.ts')]);
  write(root, 'c.ts', Buffer.alloc(100));
  const { summary } = await update(index, { embed: false });
  assert.deepEqual(summary.files.skipped, { 'special-file': 1, symlink: 1, binary: 1 });
  const paths: string[] = [];
  for await (const { path } of index.files()) paths.push(path);
  assert.deepEqual(paths, ['d.ts']);
  const { hits } = await index.search('open', { mode: 'lexical' });
  assert.deepEqual([...new Set(hits.map(({ path }) => path))], ['d.ts']);
});

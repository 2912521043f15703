import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Summary } from '../../src/pipeline/summary.ts';
import { openIndex } from '../../src/tidemark-index.ts';
import { moduleText, writeOld } from '../support/fixtures.ts';
import { exportIndex, indexOnce, update, write } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

/** What changed, in short. */
function changes({ files, chunks }: Summary) {
  const { indexed, unchanged, removed } = files;
  const { embedded, reused, pending, failed } = chunks;
  assert.deepEqual([pending, failed, files.skipped], [0, 0, {}]);
  return { indexed, unchanged, removed, embedded, reused };
}

/** An index that was brought up to date step by step must equal one of the same tree built at once. */
async function assertAsNew(root: string, base: string): Promise<void> {
  const fresh = join(base, 'fresh');
  rmSync(fresh, { recursive: true, force: true });
  cpSync(root, fresh, { recursive: true, filter: (path) => !path.endsWith('.tidemark') });
  await indexOnce(fresh);
  assert.deepEqual(await exportIndex(root), await exportIndex(fresh));
}

test('each run does what changed and nothing else', async (t) => {
  const base = temporaryDirectory(t);
  const root = join(base, 'tree');
  for (const name of ['alpha', 'beta', 'gamma']) {
    writeOld(root, `src/${name}.ts`, moduleText(['open', 'read', 'close'], name));
  }
  writeOld(root, 'README.md', '# A small tree\n\nIt has three modules.\n');
  await using index = await openIndex(root);
  const run = async () => changes((await update(index)).summary);

  const first = await run();
  assert.deepEqual([first.indexed, first.unchanged, first.reused], [4, 0, 0]);
  assert.ok(first.embedded >= 10);

  const again = (await update(index)).summary;
  assert.deepEqual(changes(again), { indexed: 0, unchanged: 4, removed: 0, embedded: 0, reused: 0 });
  assert.equal(again.bytes, 0, 'nothing is read again');

  // An edit of one function leaves the vectors of the others.
  write(root, 'src/alpha.ts', moduleText(['open', 'read', 'finish'], 'alpha'));
  const edited = await run();
  assert.deepEqual([edited.indexed, edited.unchanged, edited.removed], [1, 3, 0]);
  assert.ok(edited.embedded >= 1 && edited.reused >= 2, JSON.stringify(edited));

  // Where a directory moves, nothing is embedded; a file that gets another name is read under that.
  mkdirSync(join(root, 'lib'));
  mkdirSync(join(root, 'lib/src'));
  renameSync(join(root, 'src/beta.ts'), join(root, 'lib/src/beta.ts'));
  const moved = await run();
  assert.deepEqual([moved.indexed, moved.unchanged, moved.removed, moved.embedded], [1, 3, 1, 0]);
  assert.ok(moved.reused >= 3);
  renameSync(join(root, 'lib/src/beta.ts'), join(root, 'src/zeta.ts'));
  const renamed = await run();
  assert.deepEqual([renamed.indexed, renamed.unchanged, renamed.removed], [1, 3, 1]);
  assert.equal(renamed.embedded, moved.reused);
  const { hits } = await index.search('read beta', { mode: 'semantic' });
  assert.ok(hits.some(({ path }) => path === 'src/zeta.ts') && !hits.some(({ path }) => /beta/.test(path)));

  // A new time stamp is looked at and nothing more.
  utimesSync(join(root, 'src/gamma.ts'), new Date(), new Date());
  assert.deepEqual(await run(), { indexed: 0, unchanged: 4, removed: 0, embedded: 0, reused: 0 });

  rmSync(join(root, 'README.md'));
  assert.deepEqual(await run(), { indexed: 0, unchanged: 3, removed: 1, embedded: 0, reused: 0 });

  writeOld(root, 'src/deep/er/delta.py', 'def delta(x):\n    return x + 1\n');
  assert.deepEqual(await run(), { indexed: 1, unchanged: 3, removed: 0, embedded: 1, reused: 0 });

  // A file becomes a directory of its name, and a file again: under its first name it was embedded before.
  renameSync(join(root, 'src/gamma.ts'), join(root, 'gamma.tmp'));
  mkdirSync(join(root, 'src/gamma.ts'));
  renameSync(join(root, 'gamma.tmp'), join(root, 'src/gamma.ts/inner.ts'));
  const replaced = await run();
  assert.deepEqual([replaced.indexed, replaced.removed], [1, 1]);
  renameSync(join(root, 'src/gamma.ts/inner.ts'), join(root, 'gamma.tmp'));
  rmSync(join(root, 'src/gamma.ts'), { recursive: true });
  renameSync(join(root, 'gamma.tmp'), join(root, 'src/gamma.ts'));
  const back = await run();
  assert.deepEqual([back.indexed, back.removed, back.embedded], [1, 1, 0]);

  // A file with no text has nothing to embed; one that is emptied loses its chunks.
  write(root, 'src/alpha.ts', '');
  assert.deepEqual(await run(), { indexed: 1, unchanged: 3, removed: 0, embedded: 0, reused: 0 });
  await assertAsNew(root, base);
});

test('a branch and back embeds nothing twice', async (t) => {
  const base = temporaryDirectory(t);
  const root = join(base, 'tree');
  mkdirSync(root);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: root,
      stdio: 'pipe',
    });
  git('init', '-q', '-b', 'main');
  for (const name of ['alpha', 'beta', 'gamma'])
    write(root, `${name}.ts`, moduleText(['open', 'close'], name));
  git('add', '.');
  git('commit', '-q', '-m', 'main');
  git('checkout', '-q', '-b', 'feature');
  write(root, 'alpha.ts', moduleText(['open', 'flush'], 'alpha'));
  write(root, 'delta.ts', moduleText(['start'], 'delta'));
  rmSync(join(root, 'beta.ts'));
  git('add', '-A');
  git('commit', '-q', '-m', 'feature');

  await using index = await openIndex(root);
  git('checkout', '-q', 'main');
  await update(index);
  git('checkout', '-q', 'feature');
  const there = changes((await update(index)).summary);
  assert.ok(there.embedded >= 2);
  for (const branch of ['main', 'feature']) {
    git('checkout', '-q', branch);
    const { embedded, reused, indexed } = changes((await update(index)).summary);
    assert.equal(embedded, 0, branch);
    assert.ok(indexed >= 1 && reused >= 1, branch);
  }
  await assertAsNew(root, base);
});

test('copies of a file are embedded once', async (t) => {
  const root = temporaryDirectory(t);
  const text = moduleText(['open', 'close'], 'shared');
  for (let i = 0; i < 200; i++) write(root, `copy${i}/lib/index.ts`, text);
  const { summary } = await indexOnce(root);
  const { written, embedded, reused } = summary.chunks;
  assert.ok(written > 256, 'more than one batch');
  assert.deepEqual([embedded, reused], [written / 200, written - written / 200]);
});

test('another version of the chunker chunks everything anew and embeds nothing that is the same', async (t) => {
  const root = join(temporaryDirectory(t), 'tree');
  writeOld(root, 'src/alpha.ts', moduleText(['open', 'read', 'close'], 'alpha'));
  writeOld(root, 'README.md', '# A small tree\n\nIt has one module.\n');
  await indexOnce(root);
  const meta = join(root, '.tidemark', 'meta.json');
  write(
    root,
    '.tidemark/meta.json',
    readFileSync(meta, 'utf8').replace(/"chunker": "\d+"/, '"chunker": "0"'),
  );
  await using index = await openIndex(root);
  const again = changes((await update(index)).summary);
  assert.deepEqual([again.indexed, again.unchanged, again.embedded], [2, 0, 0]);
  assert.equal((await update(index)).summary.files.unchanged, 2, 'and only once');
});

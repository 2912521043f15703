import assert from 'node:assert/strict';
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli, runJson, write } from '../support/cli-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

test('an index follows its tree: first by words, then by meaning', async (t) => {
  const root = temporaryDirectory(t);
  write(root, 'kept.py', 'def sail():\n    return "a boat leaves the harbour"\n');
  write(root, 'changed.py', 'def walk():\n    return "two feet on a path"\n');
  write(root, 'gone.py', 'def fly():\n    return "wings over the sea"\n');
  write(root, 'touched.py', 'def swim():\n    return "cold water and long strokes"\n');

  const [words] = await runJson(['index', '--no-embed', root]);
  assert.deepEqual(words.files, { seen: 4, indexed: 4, unchanged: 0, removed: 0, skipped: {} });
  assert.deepEqual(words.chunks, { written: 4, embedded: 0, reused: 0, pending: 4, failed: 0 });
  assert.equal(words.embedder, null);
  const found = async (query: string): Promise<string[]> => {
    const [{ hits }] = await runJson(['search', query, root, '--mode', 'lexical']);
    return hits.map((hit: { path: string }) => hit.path);
  };
  assert.deepEqual(await found('harbour'), ['kept.py']);
  const semantic = await runCli(['search', 'a ship', root, '--mode', 'semantic']);
  assert.deepEqual(semantic, {
    code: 0,
    stdout: '',
    stderr:
      'nothing found\nonly 0 % of the chunks can be found by meaning so far; tidemark index embeds the others\n',
  });
  const states = (await runJson(['files', root])).map(({ state }) => state);
  assert.deepEqual(states, ['pending', 'pending', 'pending', 'pending']);

  write(root, 'changed.py', 'def ride():\n    return "four legs and a saddle"\n');
  write(root, 'added.md', '# Trains\n\nThe timetable hangs in the hall.\n');
  rmSync(join(root, 'gone.py'));
  utimesSync(join(root, 'touched.py'), 1e9, 1e9);
  const [meaning] = await runJson(['index', root]);
  assert.deepEqual(meaning.files, { seen: 4, indexed: 2, unchanged: 2, removed: 1, skipped: {} });
  assert.deepEqual(meaning.chunks, { written: 2, embedded: 4, reused: 0, pending: 0, failed: 0 });
  assert.deepEqual(await found('wings feet saddle'), ['changed.py']);
  const [{ coverage, hits }] = await runJson(['search', 'a ship', root, '--mode', 'semantic']);
  assert.equal(coverage, 1);
  assert.equal(hits.length, 4);
  assert.equal(hits[0].path, 'kept.py');
  assert.deepEqual(
    (await runJson(['files', root])).map(({ path, state }) => `${path} ${state}`),
    ['added.md embedded', 'changed.py embedded', 'kept.py embedded', 'touched.py embedded'],
  );
});

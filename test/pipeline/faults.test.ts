import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openIndex } from '../../src/tidemark-index.ts';
import { moduleText } from '../support/fixtures.ts';
import { copySources, embedderPids, exportIndex, indexOnce, update, write } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

test('another model is refused before anything changes, with the way out', async (t) => {
  const [root, model] = [temporaryDirectory(t), temporaryDirectory(t)];
  writeTinyModel(model);
  write(root, 'a.ts', moduleText(['open'], 'alpha'));
  await indexOnce(root);
  const before = await exportIndex(root);
  write(root, 'b.ts', moduleText(['close'], 'beta'));
  const mismatch = {
    code: 'ERR_TIDEMARK_MODEL_MISMATCH',
    message: new RegExp(`rebuild with: tidemark clean ${root} && tidemark index ${root}$`),
  };
  await using index = await openIndex(root, { model });
  const seen: string[] = [];
  const run = async () => {
    for await (const event of index.update()) seen.push(event.type);
  };
  await assert.rejects(run(), mismatch);
  assert.deepEqual(seen, []);
  assert.deepEqual(await exportIndex(root), before);
  await assert.rejects(index.search('close', { mode: 'semantic' }), mismatch);
  // By words alone no model is needed.
  assert.equal((await index.search('alpha', { mode: 'lexical' })).hits[0]?.path, 'a.ts');
  assert.equal((await update(index, { embed: false })).summary.files.indexed, 1);

  // The other way round: the index is the tiny model's, and the bundled one comes.
  const tiny = temporaryDirectory(t);
  write(tiny, 'a.ts', moduleText(['open'], 'alpha'));
  await indexOnce(tiny, { model });
  await assert.rejects(indexOnce(tiny), { code: 'ERR_TIDEMARK_MODEL_MISMATCH' });
});

test('a model or device that will not do is refused before the tree is read', async (t) => {
  const [root, model] = [temporaryDirectory(t), temporaryDirectory(t)];
  write(root, 'a.ts', moduleText(['open'], 'alpha'));
  write(model, 'config.json', '{');
  for (const [options, code] of [
    [{ model: join(root, 'nowhere') }, 'ERR_TIDEMARK_MODEL_NOT_FOUND'],
    [{ model }, /^ERR_TIDEMARK_MODEL_/],
    [{ device: 'webgpu' }, 'ERR_TIDEMARK_DEVICE'],
  ] as const) {
    const seen: string[] = [];
    await using index = await openIndex(root, options);
    const run = async () => {
      for await (const event of index.update()) seen.push(event.type);
    };
    await assert.rejects(run(), { code });
    assert.deepEqual(seen, []);
  }
  assert.deepEqual(embedderPids(), []);
});

test('an embedding process that is killed is replaced, the result is the same, and the summary says so', async (t) => {
  const [root, calm] = [temporaryDirectory(t), temporaryDirectory(t)];
  for (const dir of [root, calm]) copySources(dir, { 'apache-arrow/builder': 20 }, 3000);
  await using index = await openIndex(root);
  let killed = 0;
  const degraded: string[] = [];
  let last: unknown;
  for await (const event of index.update()) {
    if (event.type === 'degraded') degraded.push(event.step);
    if (event.type === 'done') last = event.summary;
    if (event.type !== 'progress' || event.lane !== 'semantic' || killed > 0) continue;
    for (const pid of embedderPids()) {
      process.kill(pid, 'SIGKILL');
      killed++;
    }
  }
  assert.ok(killed > 0, 'the first batch was in flight');
  const { chunks, degraded: summed } = last as Awaited<ReturnType<typeof update>>['summary'];
  assert.deepEqual([chunks.failed, chunks.pending], [0, 0]);
  assert.deepEqual([...new Set(degraded)], ['embedder-restarted']);
  assert.equal(summed.find(({ step }) => step === 'embedder-restarted')?.count, degraded.length);
  assert.deepEqual(embedderPids(), []);
  await indexOnce(calm);
  assert.deepEqual(await exportIndex(root), await exportIndex(calm));
});

test('chunks that the model cannot embed stay pending and are tried again; the others are done', async (t) => {
  const [root, model] = [temporaryDirectory(t), temporaryDirectory(t)];
  writeTinyModel(model);
  write(root, 'bad.md', 'broken\n');
  write(root, 'good.md', 'red green blue\n');
  await using index = await openIndex(root, { model });
  for (let round = 0; round < 2; round++) {
    const { chunks } = (await update(index)).summary;
    assert.deepEqual([chunks.failed, chunks.pending, chunks.embedded], [1, 1, round === 0 ? 1 : 0]);
    assert.equal((await index.search('broken', { mode: 'lexical' })).hits[0]?.path, 'bad.md');
  }
  const states = new Map<string, string>();
  for await (const { path, state } of index.files()) states.set(path, state);
  assert.deepEqual(
    [...states],
    [
      ['bad.md', 'pending'],
      ['good.md', 'embedded'],
    ],
  );
});

test('files that no parser can take are in the index, and harm no other', async (t) => {
  const root = temporaryDirectory(t);
  const hostile = {
    'deep.js': `x = ${'('.repeat(150_000)}aardvark${')'.repeat(150_000)};\n`,
    'deep.json': `${'['.repeat(150_000)}"bobolink"${']'.repeat(150_000)}`,
    'soup.c': `${'}'.repeat(100_000)}\nint capybara;\n`,
    'wide.ts': `const dugong = "${'a'.repeat(400_000)}";\n`,
    'open.py': `${'class A:\n  def f(self):\n    if x:\n'.repeat(3000)}echidna = 1\n`,
    'no-text.ts': ' \n\t\n'.repeat(1000),
    'nothing.ts': '',
  };
  for (const [path, text] of Object.entries(hostile)) write(root, path, text);
  for (let i = 0; i < 5; i++) write(root, `fine${i}.ts`, moduleText(['open'], `topic${i}`));
  await using index = await openIndex(root);
  const { summary, events } = await update(index, { embed: false });
  assert.deepEqual([summary.files.indexed, summary.files.skipped], [12, {}]);
  for (const { step, count } of summary.degraded) {
    assert.equal(step, 'lexical-fallback');
    assert.equal(count, events.filter(({ type }) => type === 'degraded').length);
  }
  const words = ['aardvark', 'bobolink', 'capybara', 'dugong', 'echidna'];
  for (const [i, path] of Object.keys(hostile).slice(0, 5).entries()) {
    const { hits } = await index.search(words[i]!, { mode: 'lexical' });
    assert.equal(hits[0]?.path, path);
  }
  for (let i = 0; i < 5; i++) {
    assert.equal((await index.search(`topic${i}`, { mode: 'lexical' })).hits[0]?.symbol, 'open');
  }
});

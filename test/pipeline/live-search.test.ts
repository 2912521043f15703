import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_ROWS } from '../../src/store/chunk-writer.ts';
import { openIndex } from '../../src/tidemark-index.ts';
import { moduleText } from '../support/fixtures.ts';
import { update, write } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

test('search works while the index is being written, and coverage says how far it is', async (t) => {
  const [root, model] = [temporaryDirectory(t), temporaryDirectory(t)];
  writeTinyModel(model);
  write(root, 'a-first.ts', moduleText(['needle'], 'haystack'));
  for (let i = 0; i < 80; i++) {
    const names = Array.from({ length: 60 }, (_, k) => `step${k}of${i}`);
    write(root, `src/m${i}.ts`, moduleText(names, `topic${i}`));
  }
  await using index = await openIndex(root, { model });
  await using other = await openIndex(root, { model });
  const coverage: number[] = [];
  let found = 0;
  let chunks = 0;
  for await (const event of index.update()) {
    if (event.type === 'done') chunks = event.summary.chunks.written;
    if (event.type !== 'progress') continue;
    // Alternately, so that the one that writes and one that does not are both asked.
    const handle = coverage.length % 2 === 0 ? index : other;
    const result = await handle.search('needle', { mode: 'lexical', limit: 3 });
    coverage.push(result.coverage);
    if (result.hits[0]?.path === 'a-first.ts') found++;
    else assert.equal(found, 0, 'what was found once stays to be found');
    if (event.lane === 'lexical') continue;
    // By meaning as far as there are vectors: whatever comes is whole.
    const { hits } = await other.search('step of topic', { mode: 'semantic', limit: 5 });
    for (const hit of hits) assert.ok(hit.text.length > 0 && hit.path.endsWith('.ts'));
  }
  assert.ok(chunks > MAX_ROWS, `${chunks} chunks make several commits`);
  assert.ok(found > 0);
  const semantic = coverage.slice(coverage.lastIndexOf(0));
  for (let i = 1; i < semantic.length; i++) assert.ok(semantic[i]! >= semantic[i - 1]!);
  assert.ok(
    semantic.some((share) => share > 0 && share < 1),
    `${semantic}`,
  );
  for (const handle of [index, other]) {
    const status = await handle.status();
    assert.deepEqual([status.coverage, status.files.pending, status.vectors], [1, 0, chunks]);
  }
});

test('a handle that was open before the index was rebuilt sees the new one', async (t) => {
  const root = temporaryDirectory(t);
  write(root, 'old.ts', moduleText(['oldest'], 'past'));
  await using reader = await openIndex(root);
  await assert.rejects(reader.search('oldest'), { code: 'ERR_TIDEMARK_NO_INDEX' });
  await using writer = await openIndex(root);
  await update(writer, { embed: false });
  assert.equal((await reader.search('oldest')).hits[0]?.path, 'old.ts');
  await writer.clean();
  await assert.rejects(reader.search('oldest'), { code: 'ERR_TIDEMARK_NO_INDEX' });
  write(root, 'new.ts', moduleText(['newest'], 'future'));
  await update(writer, { embed: false });
  const searches = await Promise.all(Array.from({ length: 8 }, () => reader.search('newest')));
  for (const { hits } of searches) assert.equal(hits[0]?.path, 'new.ts');
});

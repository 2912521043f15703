import assert from 'node:assert/strict';
import { appendFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openIndex } from '../../src/tidemark-index.ts';
import { update, write } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

test('an open index loads a model of its own once to see that it will do, and from then on to embed', async (t) => {
  const [root, base] = [temporaryDirectory(t), temporaryDirectory(t)];
  const [model, away] = [join(base, 'model'), join(base, 'away')];
  writeTinyModel(model);
  write(root, 'a.md', '# Red and green\n');
  await using index = await openIndex(root, { model });
  assert.equal((await update(index)).summary.chunks.embedded, 1);

  renameSync(model, away);
  const { summary } = await update(index);
  assert.deepEqual([summary.files.unchanged, summary.chunks.pending], [1, 0]);
  {
    await using other = await openIndex(root, { model });
    await assert.rejects(update(other), { code: 'ERR_TIDEMARK_MODEL_NOT_FOUND' });
  }

  appendFileSync(join(root, 'a.md'), 'And blue.\n');
  await assert.rejects(update(index), { code: 'ERR_TIDEMARK_MODEL_NOT_FOUND' });
  renameSync(away, model);
  const { chunks } = (await update(index)).summary;
  assert.deepEqual([chunks.embedded, chunks.pending], [1, 0]);
});

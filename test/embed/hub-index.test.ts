import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BUNDLED_MODEL_ID } from '../../src/embed/bundled-model.ts';
import { openIndex } from '../../src/tidemark-index.ts';
import { runCli } from '../support/cli-runs.ts';
import { ID, setUp } from '../support/hub-setup.ts';
import { update, write } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

test('an index is made with a model of the hub, shows its download, and keeps to its commit', async (context) => {
  const { server, model, cacheDir } = await setUp(context);
  // What a query is about is told by its prompt: with it `unheard` comes close to green.
  writeFileSync(
    join(model, 'config_sentence_transformers.json'),
    JSON.stringify({ prompts: { query: 'green green ' } }),
  );
  const commit = server.publish(ID, model);
  const dir = temporaryDirectory(context);
  write(dir, 'red.txt', 'red red\n');
  write(dir, 'green.txt', 'green green\n');

  const env = { HF_ENDPOINT: server.endpoint, HF_HOME: process.env.HF_HOME!, TIDEMARK_CACHE: cacheDir };
  const { code, stdout, stderr } = await runCli(['index', dir, '--model', ID, '--json'], { env });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^downloading someone\/tiny: [\d.]+ \w+ of [\d.]+ KB$/m);
  assert.deepEqual(JSON.parse(stdout).embedder, { model: `${ID}@${commit}`, device: 'cpu', dimensions: 3 });

  const cacheBefore = process.env.TIDEMARK_CACHE;
  process.env.TIDEMARK_CACHE = cacheDir;
  context.after(() => {
    process.env.TIDEMARK_CACHE = cacheBefore;
  });
  // The branch moves on; the index does not.
  writeTinyModel(model, { maxTokens: 12 });
  const moved = server.publish(ID, model);
  server.forget();
  write(dir, 'blue.txt', 'blue blue\n');
  for (const options of [{}, { model: ID }]) {
    await using index = await openIndex(dir, options);
    const { summary } = await update(index);
    assert.equal(summary.embedder?.model, `${ID}@${commit}`);
    const { hits, coverage } = await index.search('unheard', { mode: 'semantic' });
    assert.equal(coverage, 1);
    assert.deepEqual([hits.length, hits[0]!.path], [3, 'green.txt']);
  }
  assert.equal(server.seen.length, 0);
  for (const other of [`${ID}@${moved}`, BUNDLED_MODEL_ID]) {
    await using index = await openIndex(dir, { model: other });
    await assert.rejects(update(index), { code: 'ERR_TIDEMARK_MODEL_MISMATCH' });
  }
});

test('vectors that are cut are another model to an index', async (context) => {
  const { server, model, cacheDir } = await setUp(context);
  writeFileSync(
    join(model, 'config.json'),
    JSON.stringify({ max_position_embeddings: 16, matryoshka_dimensions: [2] }),
  );
  server.publish(ID, model);
  const cacheBefore = process.env.TIDEMARK_CACHE;
  process.env.TIDEMARK_CACHE = cacheDir;
  context.after(() => {
    process.env.TIDEMARK_CACHE = cacheBefore;
  });
  const dir = temporaryDirectory(context);
  write(dir, 'red.txt', 'red red\n');
  {
    await using index = await openIndex(dir, { model: ID, dimensions: 2 });
    const { summary, events } = await update(index);
    assert.equal(summary.embedder?.dimensions, 2);
    assert.ok(events.some(({ type }) => type === 'download'));
  }
  {
    await using index = await openIndex(dir);
    assert.equal((await index.search('red', { mode: 'semantic' })).hits.length, 1);
    assert.equal((await index.status()).model?.dimensions, 2);
  }
  await using index = await openIndex(dir, { model: ID, dimensions: 3 });
  await assert.rejects(update(index), { code: 'ERR_TIDEMARK_MODEL_MISMATCH' });
  const env = { HF_ENDPOINT: server.endpoint, HF_HOME: process.env.HF_HOME!, TIDEMARK_CACHE: cacheDir };
  const args = ['index', temporaryDirectory(context), '--offline', '--model', ID, '--dimensions', '1'];
  const { code, stderr } = await runCli(args, { env });
  assert.match(stderr, /^tidemark: The vectors of someone\/tiny@\w+ have 3 dimensions, or cut 2; not 1\.\n$/);
  assert.equal(code, 2);
});

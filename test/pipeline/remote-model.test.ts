import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openIndex } from '../../src/tidemark-index.ts';
import { EmbeddingServer, reply, SERVED_MODEL } from '../support/embedding-server.ts';
import { indexOnce, update } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { TREE_PATHS, writeSearchTree } from '../support/search-tree.ts';

const QUERIES = ['download a web page', 'blend two shades', 'protect a user secret with a digest'];

test('an index through a server finds what one with the model at hand finds', async (context) => {
  const [near, far] = [temporaryDirectory(context), temporaryDirectory(context)];
  writeSearchTree(near);
  writeSearchTree(far);
  const server = await EmbeddingServer.start(context, { kinds: ['tei'] });
  await indexOnce(near);
  // Too little for the model itself.
  const { summary } = await indexOnce(far, { model: server.url, memory: '440MB' });
  assert.equal(summary.files.indexed, TREE_PATHS.length);
  assert.deepEqual(summary.degraded, []);
  await using here = await openIndex(near);
  await using there = await openIndex(far, { model: server.url });
  for (const query of QUERIES) {
    for (const mode of ['hybrid', 'semantic'] as const) {
      const expected = await here.search(query, { mode, limit: 5 });
      const { hits } = await there.search(query, { mode, limit: 5 });
      assert.equal(hits.length, 5);
      assert.deepEqual(
        hits.map((hit) => hit.path),
        expected.hits.map((hit) => hit.path),
      );
    }
  }
});

test('a run that the server ended goes on in the next one, by whatever API and host', async (context) => {
  const root = temporaryDirectory(context);
  writeSearchTree(root);
  const first = await EmbeddingServer.start(context, { kinds: ['tei'] });
  const second = await EmbeddingServer.start(context, { kinds: ['openai'] });
  {
    await using index = await openIndex(root, { model: first.url });
    first.faults.push(null, null, (_, response) => reply(response, 404, { error: 'model gone' }));
    await assert.rejects(update(index), { code: 'ERR_TIDEMARK_REMOTE', message: /model gone/ });
    const status = await index.status();
    assert.deepEqual([status.files.pending, status.coverage], [TREE_PATHS.length, 0]);
    const { hits } = await index.search('multiply matrix', { mode: 'lexical' });
    assert.equal(hits[0]?.path, 'tools/matrix.py');
  }
  const model = `${second.url}/v1#${SERVED_MODEL}`;
  await using index = await openIndex(root, { model });
  const { summary } = await update(index);
  assert.deepEqual([summary.files.unchanged, summary.chunks.pending], [TREE_PATHS.length, 0]);
  assert.ok(summary.chunks.embedded >= TREE_PATHS.length);

  const before = second.received.length;
  const again = await update(index);
  assert.deepEqual([again.summary.chunks.embedded, again.summary.embedder?.device], [0, 'remote']);
  assert.equal(second.received.length, before + 1, 'nothing but the sample');

  await assert.rejects(indexOnce(root, { model: `${second.url}/v1#another-model` }), {
    code: 'ERR_TIDEMARK_MODEL_MISMATCH',
  });
  await second.stop();
  const offline = index.search('download a web page', { mode: 'hybrid' });
  await assert.rejects(offline, { code: 'ERR_TIDEMARK_REMOTE', message: /Start the server/ });
  const { hits } = await index.search('settings', { mode: 'lexical' });
  assert.ok(hits.length > 0);
});

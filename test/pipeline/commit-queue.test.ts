import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommitQueue } from '../../src/pipeline/commit-queue.ts';
import { chunkRow, collectAll, fileRow, temporaryStore } from '../support/store-rows.ts';

test('what is finished is committed soon at first, and then in ever fewer commits', async (t) => {
  const store = await temporaryStore(t);
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const commits = new CommitQueue(store, 1 << 20);
  const committed: number[] = [];
  let known = 0;
  for (let file = 0; now < 100_000; file++, now += 250) {
    const { rev: _, ...row } = fileRow({ rev: 0n, seq: store.nextSeq(), path: `${file}.ts`, chunks: 0 });
    await commits.replace(null, row);
    const { files } = (await store.counts()).files.pending;
    if (files > known) committed.push(now / 1000);
    known = files;
  }
  // After 1, 2, 4, 8 and 16 seconds, and then after 30 each time; a file is finished each quarter of a second.
  assert.deepEqual(committed, [1.25, 3.5, 7.75, 16, 32.25, 62.5, 92.75]);
});

test('what is finished does not wait for the end of a huge file', async (t) => {
  const store = await temporaryStore(t);
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const commits = new CommitQueue(store, 1 << 20);
  const { rev: _, path, seq, chunks, runs, ...row } = fileRow({ rev: 0n, seq: 0n, path: 'small.ts' });
  await commits.finish(commits.begin(path, null), row);
  const huge = commits.begin('huge.ts', null);
  const paths = async () => (await collectAll(store.files())).map(({ path }) => path);
  for (let part = 0; part < 8; part++, now += 250) {
    const { id, seq, path, ordinal, ...chunk } = chunkRow({
      id: `${part}`,
      seq: 0n,
      path: '',
      startByte: part,
    });
    await commits.addChunks(huge, [chunk]);
    assert.deepEqual(await paths(), now > 1000 ? ['small.ts'] : []);
  }
  await commits.finish(huge, row);
  await commits.commit();
  assert.deepEqual(await paths(), ['huge.ts', 'small.ts']);
  assert.deepEqual((await store.counts()).chunks, 8);
});

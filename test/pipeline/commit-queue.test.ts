import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommitQueue } from '../../src/pipeline/commit-queue.ts';
import { fileRow, temporaryStore } from '../support/store-rows.ts';

test('what is finished is committed soon at first, and then in ever fewer commits', async (t) => {
  const store = await temporaryStore(t);
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const commits = new CommitQueue(store, 1 << 20);
  const committed: number[] = [];
  let known = 0;
  for (let file = 0; now < 60_000; file++, now += 250) {
    const { rev: _, ...row } = fileRow({ rev: 0n, seq: store.nextSeq(), path: `${file}.ts`, chunks: 0 });
    await commits.replace(null, row);
    const { files } = (await store.counts()).files.pending;
    if (files > known) committed.push(now / 1000);
    known = files;
  }
  // After 1, 2, 4 and 8 seconds, and then after 10 each time; a file is finished each quarter of a second.
  assert.deepEqual(committed, [1.25, 3.5, 7.75, 16, 26.25, 36.5, 46.75, 57]);
});

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import {
  chunkBatch,
  chunkIds,
  chunkRow,
  collectAll,
  fileBatch,
  fileRow,
  temporaryDir,
} from '../support/store-rows.ts';

const FILE = 'src/a.ts';

/** One file committed as version 1 with two chunks. */
async function committedIndex(dir: string): Promise<void> {
  await using store = await openStore(dir, { create: true, mode: 'write' });
  const seq = store.nextSeq();
  await store.addChunks(
    chunkBatch(
      ['old-0', 'old-1'].map((id, ordinal) => chunkRow({ id, ordinal, seq, path: FILE, terms: 'tide' })),
    ),
  );
  await store.addFiles(fileBatch([fileRow({ rev: store.nextRev(), seq, path: FILE, chunks: 2 })]));
}

/** The steps of replacing it by version 2, each of which may be the last that a killed writer took. */
const STEPS: ((store: Store) => Promise<void>)[] = [
  (store) =>
    store.addChunks(chunkBatch([chunkRow({ id: 'new-0', seq: 2n, path: FILE, terms: 'tide fresh' })])),
  (store) => store.addFiles(fileBatch([fileRow({ rev: 2n, seq: 2n, path: FILE, hash: 'beef' })])),
  (store) => store.deleteChunksBySeq([1n]),
  (store) => store.deleteFilesByRev([1n]),
];

const lexicalIds = async (store: Store, term: string): Promise<string[]> =>
  (await store.searchLexical({ terms: [term] }, {}, 10)).map((hit) => hit.row.id).sort();

for (let taken = 0; taken <= STEPS.length; taken++) {
  test(`a writer killed after ${taken} of ${STEPS.length} steps leaves one whole version`, async (t) => {
    const dir = path.join(await temporaryDir(t), '.tidemark');
    await committedIndex(dir);
    {
      await using store = await openStore(dir, { create: false, mode: 'write' });
      for (const step of STEPS.slice(0, taken)) await step(store);
    }
    const committed = taken >= 2;
    const expected = committed ? ['new-0'] : ['old-0', 'old-1'];

    {
      // A reader comes before any recovery and sees the committed version only.
      await using reader = await openStore(dir, { create: false, mode: 'read' });
      assert.deepEqual(await lexicalIds(reader, 'tide'), expected);
      assert.deepEqual(await lexicalIds(reader, 'fresh'), committed ? ['new-0'] : []);
      const files = await collectAll(reader.files());
      assert.deepEqual(
        files.map((f) => [f.path, f.rev, f.hash]),
        [[FILE, committed ? 2n : 1n, committed ? 'beef' : 'f00d']],
      );
    }

    await using store = await openStore(dir, { create: false, mode: 'write' });
    assert.equal(store.maxSeq, committed ? 2n : 1n);
    assert.equal(store.maxRev, committed ? 2n : 1n);
    assert.deepEqual(await chunkIds(store, [2n]), committed ? ['new-0'] : []);
    assert.deepEqual(await store.recover(), { removedOrphans: false, sweptFiles: 0 });
    // The next run takes the steps again and ends in the same state, wherever the last one stopped.
    for (const step of STEPS.slice(committed ? 2 : 0)) await step(store);
    assert.deepEqual(await lexicalIds(store, 'tide'), ['new-0']);
    assert.deepEqual((await store.counts()).files.pending, { files: 1, chunks: 1 });
    assert.equal((await store.counts()).chunks, 1);
  });
}

test('recovery removes only chunks that were never committed', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await committedIndex(dir);
  {
    await using store = await openStore(dir, { create: false, mode: 'write' });
    await store.addChunks(chunkBatch([chunkRow({ id: 'orphan', seq: store.nextSeq(), path: 'big.ts' })]));
    await store.addChunks(chunkBatch([chunkRow({ id: 'orphan-2', seq: store.nextSeq(), path: 'c.ts' })]));
    assert.equal((await store.counts()).chunks, 4);
    assert.deepEqual(await lexicalIds(store, 'common'), []);
  }
  await using store = await openStore(dir, { create: false, mode: 'write' });
  assert.equal((await store.counts()).chunks, 2);
  assert.deepEqual(await chunkIds(store, [1n]), ['old-0', 'old-1']);
  // The number of an orphan is free again.
  assert.equal(store.nextSeq(), 2n);
});

test('a state change is a new row of the same version, and both may be there after a kill', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await committedIndex(dir);
  await using store = await openStore(dir, { create: false, mode: 'write' });
  assert.deepEqual(
    (await store.pendingFiles(0n, 10)).map((f) => f.rev),
    [1n],
  );
  await store.addFiles(
    fileBatch([fileRow({ rev: store.nextRev(), seq: 1n, path: FILE, state: 'embedded', chunks: 2 })]),
  );
  assert.deepEqual(await store.pendingFiles(0n, 10), []);
  assert.deepEqual(
    (await collectAll(store.files())).map((f) => f.state),
    ['embedded'],
  );
  assert.deepEqual(await lexicalIds(store, 'tide'), ['old-0', 'old-1']);
  await store.deleteFilesByRev([1n]);
  assert.equal((await store.counts()).files.pending.files, 0);
});

test('opening for write sweeps half-written files and spilled runs', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await committedIndex(dir);
  let leftover: string;
  {
    await using store = await openStore(dir, { create: false, mode: 'read' });
    leftover = path.join(store.tablesDir, 'chunks.lance', 'data', '.tmp-half');
  }
  await writeFile(leftover, 'half');
  await writeFile(path.join(dir, 'meta.json.123.tmp'), '{');
  await using store = await openStore(dir, { create: false, mode: 'write' });
  await assert.rejects(writeFile(leftover, 'x', { flag: 'r+' }), { code: 'ENOENT' });
  assert.deepEqual(await chunkIds(store, [1n]), ['old-0', 'old-1']);
  assert.deepEqual(await store.recover(), { removedOrphans: false, sweptFiles: 0 });
});

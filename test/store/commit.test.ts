import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { connectTo } from '../../src/store/lance.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import {
  chunkBatch,
  chunkIds,
  chunkRow,
  collectAll,
  fileBatch,
  fileRow,
  idsOf,
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
  (await idsOf(store, await store.searchLexical({ terms: [term] }, {}, 10))).sort();

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

/** Version 2 of the file keeps the first row and has another second one, and the third is gone. */
const EDIT: readonly ((store: Store) => Promise<void>)[] = [
  (store) =>
    store.addChunks(chunkBatch([chunkRow({ id: 'new-1', ordinal: 1, seq: 2n, path: FILE, terms: 'tide' })])),
  (store) =>
    store.addFiles(fileBatch([fileRow({ rev: 2n, seq: 2n, path: FILE, chunks: 2, runs: '1:1,2:1' })])),
  (store) => store.deleteChunkRuns([{ seq: 1n, from: 1, to: 3 }]),
  (store) => store.deleteFilesByRev([1n]),
];

for (let taken = 0; taken <= EDIT.length; taken++) {
  test(`a writer killed after ${taken} of ${EDIT.length} steps of an edit leaves one whole version`, async (t) => {
    const dir = path.join(await temporaryDir(t), '.tidemark');
    {
      await using store = await openStore(dir, { create: true, mode: 'write' });
      await store.setModel({ id: 'm', dtype: 'fp32', dimensions: 2 });
      const rows = ['old-0', 'old-1', 'old-2'].map((id, ordinal) =>
        chunkRow({ id, ordinal, seq: 1n, path: FILE, terms: 'tide' }),
      );
      await store.addChunks(chunkBatch(rows));
      await store.addFiles(fileBatch([fileRow({ rev: 1n, seq: 1n, path: FILE, chunks: 3 })]));
      const keys = [...rows, { ...rows[0]!, id: 'new-1' }];
      await store.addVectors(keys, Float32Array.of(1, 0, 1, 0, 1, 0, 1, 0));
      for (const step of EDIT.slice(0, taken)) await step(store);
    }
    const expected = taken >= 2 ? ['new-1', 'old-0'] : ['old-0', 'old-1', 'old-2'];
    const found = async (store: Store) => {
      assert.deepEqual(await lexicalIds(store, 'tide'), expected);
      const semantic = await store.searchSemantic(Float32Array.of(1, 0), {}, 10);
      assert.deepEqual((await idsOf(store, semantic)).sort(), expected);
      const [file] = await collectAll(store.files());
      const rows = (await collectAll(store.chunksOfFiles([file!], ['id', 'ordinal']))).flat();
      assert.deepEqual(rows.map(({ id }) => id).sort(), expected);
      const second = (await collectAll(store.chunksOfFiles([file!], ['id'], { from: 1, to: 2 }))).flat();
      assert.deepEqual(second, [{ id: taken >= 2 ? 'new-1' : 'old-1' }]);
    };
    {
      await using reader = await openStore(dir, { create: false, mode: 'read' });
      await found(reader);
    }
    await using store = await openStore(dir, { create: false, mode: 'write' });
    await found(store);
    assert.equal((await store.counts()).chunks, [3, 3, 4, 2, 2][taken], 'what was not committed is gone');
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

test('a row that says that a file is gone hides what it had, and goes last', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await committedIndex(dir);
  await using store = await openStore(dir, { create: false, mode: 'write' });
  const others = Array.from({ length: 600 }, (_, i) => {
    const [rev, seq] = [store.nextRev(), store.nextSeq()];
    return fileRow({ rev, seq, path: `other-${i}` });
  });
  const rev = store.nextRev();
  const removed = fileRow({ rev, seq: 1n, path: FILE, chunks: 0, state: 'removed' });
  await store.addFiles(fileBatch([...others, removed]));
  assert.equal((await collectAll(store.files())).length, 600);
  assert.ok(!(await store.pendingFiles(0n, 1000)).some((file) => file.path === FILE));
  assert.deepEqual(await lexicalIds(store, 'tide'), []);

  // So many rows take several commits: after each, the row that counts is there as long as one that does not.
  const table = await (await connectTo(store.tablesUri)).openTable('files');
  const first = await table.version();
  await store.deleteFilesByRev([rev, ...others.map((row) => row.rev), 1n]);
  const last = await table.version();
  assert.ok(last >= first + 2);
  for (let version = first; version <= last; version++) {
    await table.checkout(version);
    const rows = await table.query().where(`path = '${FILE}'`).toArray();
    assert.ok(rows.length === 0 || rows.some((row) => row.rev === rev), `version ${version}`);
  }
  assert.deepEqual(await collectAll(store.filesInRange(null, null)), []);
});

test('opening for write sweeps half-written files and spilled runs', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await committedIndex(dir);
  let leftover: string;
  {
    await using store = await openStore(dir, { create: false, mode: 'read' });
    leftover = path.join(store.tablesUri, 'chunks.lance', 'data', '.tmp-half');
  }
  await writeFile(leftover, 'half');
  await writeFile(path.join(dir, 'meta.json.123.tmp'), '{');
  await using store = await openStore(dir, { create: false, mode: 'write' });
  await assert.rejects(writeFile(leftover, 'x', { flag: 'r+' }), { code: 'ENOENT' });
  assert.deepEqual(await chunkIds(store, [1n]), ['old-0', 'old-1']);
  assert.deepEqual(await store.recover(), { removedOrphans: false, sweptFiles: 0 });
});

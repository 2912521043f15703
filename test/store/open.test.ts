import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { asStoreError } from '../../src/store/errors.ts';
import { openStore } from '../../src/store/open.ts';
import { removeIndex } from '../../src/store/remove.ts';
import type { Store } from '../../src/store/store.ts';
import {
  chunkBatch,
  chunkRow,
  collectAll,
  fileBatch,
  fileRow,
  idsOf,
  temporaryDir,
} from '../support/store-rows.ts';

const WRITE = { create: true, mode: 'write' } as const;
const READ = { create: false, mode: 'read' } as const;

async function makeIndex(dir: string, id = 'c0'): Promise<void> {
  await using store = await openStore(dir, { ...WRITE, versions: { tidemark: '9.9.9', chunker: '3' } });
  const seq = store.nextSeq();
  await store.addChunks(chunkBatch([chunkRow({ id, seq, path: 'a.ts' })]));
  await store.addFiles(fileBatch([fileRow({ rev: store.nextRev(), seq, path: 'a.ts' })]));
}

test('a new index ignores itself for git and remembers who made it', async (t) => {
  const dir = path.join(await temporaryDir(t), 'deep', '.tidemark');
  await makeIndex(dir);
  assert.equal(await readFile(path.join(dir, '.gitignore'), 'utf8'), '*\n');
  await using store = await openStore(dir, READ);
  const { createdAt, tables, ...meta } = store.meta();
  assert.deepEqual(meta, { format: 5, model: null, root: null, tidemark: '9.9.9', chunker: '3' });
  assert.ok(!Number.isNaN(Date.parse(createdAt)));
  assert.ok((await readdir(dir)).includes(tables));
  assert.ok((await store.sizeBytes()) > 1000);
});

test('a missing index is named with what to run', async (t) => {
  const parent = await temporaryDir(t);
  const dir = path.join(parent, '.tidemark');
  const expected = {
    code: 'ERR_TIDEMARK_NO_INDEX',
    message: `no index at ${dir}; run: tidemark index ${parent}`,
  };
  await assert.rejects(openStore(dir, READ), expected);
  await assert.rejects(openStore(dir, { create: false, mode: 'write' }), expected);
  await assert.rejects(removeIndex(dir), { code: 'ERR_TIDEMARK_NO_INDEX' });
  assert.deepEqual(await readdir(parent), []);
});

test("somebody else's directory is refused and stays as it is", async (t) => {
  const dir = await temporaryDir(t);
  await writeFile(path.join(dir, 'thesis.txt'), 'years of work');
  for (const attempt of [() => openStore(dir, WRITE), () => openStore(dir, READ), () => removeIndex(dir)])
    await assert.rejects(attempt(), { code: 'ERR_TIDEMARK_NOT_AN_INDEX' });
  const file = path.join(dir, 'thesis.txt');
  await assert.rejects(openStore(file, WRITE), { code: 'ERR_TIDEMARK_NOT_AN_INDEX' });
  await writeFile(path.join(dir, 'meta.json'), '{"name":"mine"}');
  for (const attempt of [() => openStore(dir, WRITE), () => removeIndex(dir)])
    await assert.rejects(attempt(), { code: 'ERR_TIDEMARK_NOT_AN_INDEX' });
  await writeFile(path.join(dir, 'meta.json'), 'not json');
  await assert.rejects(removeIndex(dir), { code: 'ERR_TIDEMARK_NOT_AN_INDEX' });
  assert.deepEqual((await readdir(dir)).sort(), ['meta.json', 'thesis.txt']);
});

test('an index of another format is refused, and can be removed', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await makeIndex(dir);
  const file = path.join(dir, 'meta.json');
  const meta = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...meta, format: 1 }));
  for (const options of [READ, WRITE])
    await assert.rejects(openStore(dir, options), {
      code: 'ERR_TIDEMARK_INDEX_FORMAT',
      message: /has format 1, this tidemark reads format 5; upgrade tidemark or rebuild with: tidemark clean/,
    });
  await removeIndex(dir);
  await assert.rejects(readdir(dir), { code: 'ENOENT' });
});

test('a creation that was cut short is taken up again', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await makeIndex(dir, 'lost');
  await rm(path.join(dir, 'meta.json'));
  await assert.rejects(openStore(dir, READ), { code: 'ERR_TIDEMARK_NO_INDEX' });
  await makeIndex(dir, 'kept');
  await using store = await openStore(dir, READ);
  assert.deepEqual(
    (await store.chunksById(['lost', 'kept'], ['id'])).map((row) => row.id),
    ['kept'],
  );
  assert.equal((await readdir(dir)).filter((name) => name.startsWith('tables-')).length, 1);
});

test('removing an index leaves what is not ours, and refuses while a writer is at work', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await makeIndex(dir, 'first');
  {
    await using _writer = await openStore(dir, WRITE);
    await assert.rejects(removeIndex(dir), { code: 'ERR_TIDEMARK_INDEX_BUSY' });
    await assert.rejects(openStore(dir, WRITE), { code: 'ERR_TIDEMARK_INDEX_BUSY' });
  }
  await mkdir(path.join(dir, 'notes'));
  await removeIndex(dir);
  assert.deepEqual(await readdir(dir), ['notes']);
  await rm(path.join(dir, 'notes'), { recursive: true });
  // The same place again, in the same process: nothing of the old index may show.
  await makeIndex(dir, 'second');
  await using store = await openStore(dir, READ);
  assert.deepEqual(await idsOf(store, await store.searchLexical({ terms: ['common'] }, {}, 10)), ['second']);
  assert.equal((await collectAll(store.files())).length, 1);
});

test('a reader beside the writer cannot write, and sees what the writer commits', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await makeIndex(dir);
  await using reader = await openStore(dir, READ);
  const model = { id: 'm', dtype: 'fp32', dimensions: 2 };
  for (const attempt of [
    () => reader.addFiles(fileBatch([fileRow({ rev: 9n, seq: 9n, path: 'x' })])),
    () => reader.deleteChunksBySeq([1n]),
    () => reader.setModel(model),
    () => reader.maintain({ only: 'all' }),
    () => reader.buildTextIndex({ force: true }),
    () => reader.recover(),
  ])
    await assert.rejects(attempt(), TypeError);
  await using writer = await openStore(dir, WRITE);
  const seq = writer.nextSeq();
  const added = chunkRow({ id: 'c1', seq, path: 'b.ts' });
  await writer.addChunks(chunkBatch([added]));
  await writer.addFiles(fileBatch([fileRow({ rev: writer.nextRev(), seq, path: 'b.ts' })]));
  assert.equal((await collectAll(reader.files())).length, 2);
  assert.equal((await reader.searchLexical({ terms: ['common'] }, {}, 10)).length, 2);
  // The vectors table comes into being while the reader is open.
  const query = Float32Array.of(0, 1);
  assert.deepEqual(await reader.searchSemantic(query, {}, 10), []);
  await writer.setModel(model);
  const { id, hash, path: file, language, kind } = added;
  await writer.addVectors([{ id, hash, path: file, language, kind }], query);
  assert.deepEqual(await idsOf(reader, await reader.searchSemantic(query, {}, 10)), ['c1']);
  assert.equal(reader.meta().model, null);
  assert.deepEqual((await reader.refreshMeta()).model, model);
});

test('what is read of a store that closes meanwhile says that it is closed', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await makeIndex(dir);
  // Of a query for each part some are still to come when it closes.
  const ids = Array.from({ length: 20_000 }, (_, i) => `${i}`.padStart(32, '0'));
  for (const read of [
    (store: Store) => store.chunksById(ids, ['path']),
    (store: Store) => store.newestByPath(ids),
    (store: Store) => store.vectorsByHash(ids),
  ]) {
    const store = await openStore(dir, READ);
    const reading = read(store).then(
      () => 'read',
      (error: { code?: string }) => error.code,
    );
    await store.close();
    assert.ok(['read', 'ERR_TIDEMARK_CLOSED'].includes(String(await reading)), String(await reading));
  }
});

test('an index outside of its tree is refused for another tree, and nothing is touched', async (t) => {
  const dir = path.join(await temporaryDir(t), 'index');
  await (await openStore(dir, { create: true, mode: 'write', root: '/one' })).close();
  const expected = {
    code: 'ERR_TIDEMARK_OTHER_TREE',
    message: /is of \/one, not of \/two; choose another place/,
  };
  await assert.rejects(openStore(dir, { create: true, mode: 'write', root: '/two' }), expected);
  await assert.rejects(openStore(dir, { create: false, mode: 'read', root: '/two' }), expected);
  await using store = await openStore(dir, { create: false, mode: 'read', root: '/one' });
  assert.equal(store.meta().root, '/one');
});

test('another model, dtype or dimension is refused', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await makeIndex(dir);
  const model = { id: 'bge-small', dtype: 'q8', dimensions: 4 };
  {
    await using store = await openStore(dir, WRITE);
    await store.setModel(model);
    await store.setModel({ ...model });
  }
  await using store = await openStore(dir, WRITE);
  assert.deepEqual(store.meta().model, model);
  for (const other of [
    { ...model, id: 'minilm' },
    { ...model, dtype: 'fp32' },
    { ...model, dimensions: 8 },
  ])
    await assert.rejects(store.setModel(other), {
      code: 'ERR_TIDEMARK_MODEL_MISMATCH',
      message:
        /holds vectors of bge-small \(q8, 4\), not of .*; use that model or rebuild with: tidemark clean /,
    });
  await store.setModel(model);
});

test('a damaged index says so and how to go on', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  await makeIndex(dir);
  let tables: string;
  {
    await using store = await openStore(dir, READ);
    tables = store.tablesUri;
  }
  const data = path.join(tables, 'chunks.lance', 'data');
  for (const file of await readdir(data)) await rm(path.join(data, file));
  const corrupt = { code: 'ERR_TIDEMARK_INDEX_CORRUPT', message: /rebuild with: tidemark clean/ };
  {
    await using store = await openStore(dir, READ);
    await assert.rejects(store.chunksById(['c0'], ['id', 'text']), corrupt);
  }
  const versions = path.join(tables, 'files.lance', '_versions');
  for (const file of await readdir(versions)) await truncate(path.join(versions, file), 3);
  await assert.rejects(
    (async () => {
      await using store = await openStore(dir, READ);
      await collectAll(store.files());
    })(),
    corrupt,
  );
  await writeFile(path.join(dir, 'meta.json'), '{');
  await assert.rejects(openStore(dir, READ), corrupt);
  await removeIndex(dir);
  await makeIndex(dir);
});

test('an index that cannot be written says so', async (t) => {
  if (process.getuid?.() === 0) return t.skip('root may write anywhere');
  const parent = await temporaryDir(t);
  await chmod(parent, 0o500);
  t.after(() => chmod(parent, 0o700));
  await assert.rejects(openStore(path.join(parent, '.tidemark'), WRITE), { code: 'ERR_TIDEMARK_READ_ONLY' });
});

test('what the storage engine reports is told apart by its message', () => {
  const code = (message: string): string => asStoreError(new Error(message), '/x/.tidemark', 'add').code;
  assert.equal(
    code('IO error: No space left on device (os error 28), rust/x.rs:1'),
    'ERR_TIDEMARK_DISK_FULL',
  );
  assert.equal(code('LanceError(IO): Read-only file system (os error 30)'), 'ERR_TIDEMARK_READ_ONLY');
  assert.equal(code('Permission denied (os error 13)'), 'ERR_TIDEMARK_READ_ONLY');
  assert.equal(code('Not found: /x/data/1.lance'), 'ERR_TIDEMARK_INDEX_CORRUPT');
  assert.equal(code('something new'), 'ERR_TIDEMARK_STORE');
  const cause = new Error('raw text of the engine');
  const error = asStoreError(cause, '/x/.tidemark', 'add');
  assert.equal(error.cause, cause);
  assert.doesNotMatch(error.message, /raw text/);
  assert.equal(asStoreError(error, '/y', 'read'), error);
});

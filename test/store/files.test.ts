import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileRow } from '../../src/store/schema.ts';
import { comparePaths } from '../../src/walk/path-codec.ts';
import { collectAll, fileBatch, fileRow, seededRandom, temporaryStore } from '../support/store-rows.ts';

const byteOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

test('comparePaths orders strings as their UTF-8 bytes', () => {
  const alphabet = ['a', 'b', '/', '\u007f', '\u0080', 'é', '\uffff', '\ue000', '😀', '𝒳', '\u{10ffff}'];
  const random = seededRandom(1);
  const text = () =>
    Array.from({ length: Math.floor(random() * 5) }, () => alphabet[Math.floor(random() * 11)]!).join('');
  for (let i = 0; i < 5000; i++) {
    const [a, b] = [text(), text()];
    assert.equal(Math.sign(comparePaths(a, b)), byteOrder(a, b), `${JSON.stringify(a)} ${JSON.stringify(b)}`);
  }
});

test('files() gives each path once, its highest rev, in byte order, over several ranges', async (t) => {
  const store = await temporaryStore(t);
  const total = 30_000;
  const random = seededRandom(7);
  const paths = Array.from({ length: total }, (_, i) => {
    const dir = ['src', 'Źródło', 'z😀', '\ufffd', "it's", 'a%_b'][i % 6]!;
    return `${dir}/${Math.floor(random() * 1e9).toString(36)}-${i}.ts`;
  });
  const append = async (from: string[], state: FileRow['state']) => {
    const rows = from.map((path) => fileRow({ rev: store.nextRev(), seq: store.nextSeq(), path, state }));
    for (let i = 0; i < rows.length; i += 4096) await store.addFiles(fileBatch(rows.slice(i, i + 4096)));
  };
  await append(paths, 'pending');
  // Newer rows whose older ones were not deleted, as after a kill.
  const renewed = new Set(paths.filter((_, i) => i % 10 === 0));
  await append([...renewed], 'embedded');

  const check = async () => {
    const rows = await collectAll(store.files());
    assert.equal(rows.length, total);
    assert.deepEqual(
      rows.map((row) => row.path),
      [...paths].sort(byteOrder),
    );
    for (const row of rows) assert.equal(row.state, renewed.has(row.path) ? 'embedded' : 'pending');
  };
  await check();
  assert.deepEqual(await store.buildScalarIndexes(), ['files.path', 'files.seq', 'files.rev']);
  await check();

  const inRange = (await collectAll(store.filesInRange('src/', 'src/~'))).flat();
  const expected = paths.filter((p) => p.startsWith('src/'));
  assert.equal(inRange.length, expected.length + expected.filter((p) => renewed.has(p)).length);
  assert.deepEqual(new Set(inRange.map((row) => row.path)), new Set(expected));

  for await (const first of store.files()) {
    assert.equal(first.path, [...paths].sort(byteOrder)[0]);
    break;
  }
  for await (const batch of store.filesInRange(null, null)) {
    assert.ok(batch.length > 0);
    break;
  }

  const pending: bigint[] = [];
  for (let after = 0n; ; ) {
    const page = await store.pendingFiles(after, 5000);
    if (page.length === 0) break;
    pending.push(...page.map((row) => row.seq));
    after = page.at(-1)!.seq;
  }
  assert.equal(pending.length, total - renewed.size);
  assert.deepEqual(
    pending,
    [...pending].sort((a, b) => Number(a - b)),
  );
});

test('rows come back as they went in', async (t) => {
  const store = await temporaryStore(t);
  const rows: FileRow[] = [
    fileRow({ rev: 1n, seq: 2n ** 62n, path: 'max', size: 2 ** 53 - 1, mtimeNs: -5n, language: null }),
    fileRow({ rev: 2n, seq: 0n, path: 'ünïcode 😀\n', hash: '', chunks: 2 ** 31 - 1, reason: 'too "large"' }),
  ];
  const batch = fileBatch(rows);
  assert.equal(batch.rows, 2);
  assert.ok(batch.byteLength > 0);
  await store.addFiles(batch);
  assert.equal(batch.rows, 0);
  assert.equal(batch.byteLength, 0);
  assert.deepEqual(await collectAll(store.files()), rows);
});

test('a row that cannot be appended leaves the batch as it was', async (t) => {
  const store = await temporaryStore(t);
  const good = fileRow({ rev: 1n, seq: 1n, path: 'good', reason: 'before' });
  const batch = fileBatch([good]);
  const bad = { ...fileRow({ rev: 2n, seq: 2n, path: 'a long path that was written' }), state: null };
  assert.throws(() => batch.append(bad as unknown as FileRow), /state cannot be null/);
  const next = fileRow({ rev: 3n, seq: 3n, path: 'next', language: null });
  batch.append(next);
  await store.addFiles(batch);
  assert.deepEqual(await collectAll(store.files()), [good, next]);
});

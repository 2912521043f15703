import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { ChunkBatchBuilder } from '../../src/store/batch.ts';
import { ChunkWriter } from '../../src/store/chunk-writer.ts';
import type { Store } from '../../src/store/store.ts';
import { chunkIds, chunkRow, temporaryStore } from '../support/store-rows.ts';

const ROWS = 3000;
const FLUSH_BYTES = 64_000;

/** The real store, watched, and unwilling for a while. */
class WatchedStore {
  readonly #store: Store;
  commits = 0;
  inFlight = 0;
  mostInFlight = 0;
  failNext = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  async addChunks(batch: ChunkBatchBuilder): Promise<void> {
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
    try {
      if (this.failNext > 0) {
        this.failNext--;
        // As far as it comes before the disk is full.
        await batch.encode();
        throw new Error('no space left');
      }
      await this.#store.addChunks(batch);
      this.commits++;
    } finally {
      this.inFlight--;
    }
  }
}

const row = (i: number) =>
  chunkRow({ id: String(i).padStart(6, '0'), seq: 1n, ordinal: i, path: 'a.ts', text: 'text '.repeat(20) });
const ids = Array.from({ length: ROWS }, (_, i) => row(i).id);

test('rows are written in few commits, one at a time, all of them and each once', async (t) => {
  const store = await temporaryStore(t);
  const watched = new WatchedStore(store);
  const writer = new ChunkWriter(watched, FLUSH_BYTES);
  for (let i = 0; i < ROWS; i++) await writer.append(row(i));
  await writer.flush();
  assert.deepEqual(await chunkIds(store, [1n]), ids);
  assert.equal(watched.mostInFlight, 1);
  const expected = Math.ceil(writer.bytes / FLUSH_BYTES);
  assert.ok(Math.abs(watched.commits - expected) <= 1, `${watched.commits} commits for ${expected} batches`);
});

test('a commit that fails is told, and what was in it is written by the next', async (t) => {
  const store = await temporaryStore(t);
  const watched = new WatchedStore(store);
  const writer = new ChunkWriter(watched, FLUSH_BYTES);
  let failures = 0;
  for (let i = 0; i < ROWS; i++) {
    if (i === 1000 || i === 2500) watched.failNext = 1;
    await writer.append(row(i)).catch((error: Error) => {
      assert.equal(error.message, 'no space left');
      failures++;
    });
  }
  watched.failNext = 1;
  await assert.rejects(writer.flush(), /no space left/);
  await writer.flush();
  assert.equal(failures, 2);
  assert.deepEqual(await chunkIds(store, [1n]), ids);
  assert.equal(watched.mostInFlight, 1);
});

test('a batch gives its memory back as it is cleared, without a collection of garbage', {
  skip: process.platform !== 'linux',
}, () => {
  const batch = new ChunkBatchBuilder();
  const fill = (bytes: number) => {
    for (let i = 0; batch.byteLength < bytes; i++) batch.append({ ...row(i), text });
  };
  const text = 'text '.repeat(200);
  const held: number[] = [];
  const given: number[] = [];
  fill(1e6);
  batch.clear();
  for (let round = 0; round < 5; round++) {
    fill(40e6);
    held.push(process.memoryUsage.rss());
    batch.clear();
    given.push(held.at(-1)! - process.memoryUsage.rss());
  }
  assert.ok(Math.min(...given) > 30e6, `gave back ${given.join(', ')} bytes`);
  assert.ok(held.at(-1)! - held[0]! < 20e6, `held ${held.join(', ')} bytes`);
});

test('a batch that is encoded takes no rows until it is cleared, and is the same for the next try', async () => {
  const batch = new ChunkBatchBuilder();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 100; i++) batch.append(row(i));
    const [encoded, again] = await Promise.all([batch.encode(), batch.encode()]);
    assert.equal(again, encoded);
    assert.equal(await batch.encode(), encoded);
    assert.throws(() => batch.append(row(100)), /no more rows/);
    assert.deepEqual(tableFromIPC(encoded.bytes).getChild('id')!.toJSON(), ids.slice(0, 100));
    batch.clear();
    assert.equal(encoded.bytes.length, 0);
  }
});

test('a batch that is written is there once', { skip: process.platform !== 'linux' }, async () => {
  const batch = new ChunkBatchBuilder();
  const text = 'text '.repeat(200);
  for (let round = 0; round < 5; round++) {
    for (let i = 0; batch.byteLength < 40e6; i++) batch.append({ ...row(i), text });
    const filled = process.memoryUsage.rss();
    await batch.encode();
    const held = process.memoryUsage.rss();
    assert.ok(Math.abs(held - filled) < 10e6, `${held - filled} bytes more in round ${round}`);
    batch.clear();
    const given = held - process.memoryUsage.rss();
    assert.ok(given > 30e6, `gave back ${given} bytes in round ${round}`);
  }
});

test('a column of more text than it has addresses for moves, and loses nothing', () => {
  const batch = new ChunkBatchBuilder();
  const text = 'é'.repeat(500_000);
  for (let i = 0; i < 100; i++) batch.append({ ...row(i), text: `${i} ${text}` });
  const column = batch.finish().batches[0]!.getChild('text')!;
  for (const i of [0, 33, 99]) assert.equal(column.get(i), `${i} ${text}`);
  assert.ok(batch.byteLength > 100e6);
});

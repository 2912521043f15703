import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ByteSource, fileSource, iterableSource } from '../../src/read/byte-source.ts';
import { WindowReader } from '../../src/read/window-reader.ts';
import { randomCuts, seeded } from '../support/chunking.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

const random = seeded(99);
const BYTES = Buffer.from(Uint8Array.from({ length: 3000 }, () => random() * 256));

/** Reads all windows, consuming what `take` says of each; gives what was consumed and what `onBytes` saw. */
async function readAll(
  source: ByteSource,
  options: { windowBytes: number; sizeHint?: number },
  take: (length: number) => number = (length) => length,
) {
  const seen: Buffer[] = [];
  const reader = new WindowReader(source, { ...options, onBytes: (bytes) => seen.push(Buffer.from(bytes)) });
  const consumed: Buffer[] = [];
  const windows: [number, number, boolean][] = [];
  for (;;) {
    const { bytes, start, last } = await reader.next();
    windows.push([start, bytes.byteLength, last]);
    assert.ok(bytes.byteLength <= options.windowBytes);
    if (!last) assert.equal(bytes.byteLength, options.windowBytes, 'only the last window may be short');
    const n = last ? bytes.byteLength : Math.max(1, take(bytes.byteLength));
    consumed.push(Buffer.from(bytes.subarray(0, n)));
    reader.consume(n);
    if (last) return { bytes: Buffer.concat(consumed), seen: Buffer.concat(seen), windows };
  }
}

test('windows are the same however the source cuts the bytes, and nothing is lost', async () => {
  for (const windowBytes of [1, 7, 400, 2999, 3000, 3001, 50_000]) {
    const whole = await readAll(iterableSource([BYTES]), { windowBytes });
    for (const largest of [2, 33, 2000]) {
      const cut = await readAll(iterableSource(randomCuts(BYTES, random, largest)), { windowBytes });
      assert.deepEqual(cut.windows, whole.windows);
      assert.ok(cut.bytes.equals(BYTES) && cut.seen.equals(BYTES));
    }
  }
});

test('what is not consumed begins the next window', async () => {
  for (let round = 0; round < 50; round++) {
    const windowBytes = 1 + Math.floor(random() * 900);
    const source = iterableSource(randomCuts(BYTES, random, 500));
    const { bytes, seen, windows } = await readAll(source, { windowBytes }, (n) => Math.floor(random() * n));
    assert.ok(bytes.equals(BYTES), 'every byte is consumed once, in order');
    assert.ok(seen.equals(BYTES), 'every byte is seen once, in order');
    let at = -1;
    for (const [start] of windows) {
      assert.ok(start > at);
      at = start;
    }
  }
});

test('a size hint that is wrong changes nothing', async () => {
  const right = await readAll(iterableSource([BYTES]), { windowBytes: 1024 });
  for (const sizeHint of [0, 1, 100, 1023, 1024, 2999, 3000, 1e12]) {
    const { windows, bytes } = await readAll(iterableSource([BYTES]), { windowBytes: 1024, sizeHint });
    assert.deepEqual(windows, right.windows, `hint ${sizeHint}`);
    assert.ok(bytes.equals(BYTES));
  }
});

test('a small input takes a small buffer, and the end is seen at once', async () => {
  const sizes: number[] = [];
  const source = iterableSource([Buffer.from('abc')]);
  const spy: ByteSource = {
    read(into) {
      sizes.push(into.byteLength);
      return source.read(into);
    },
    async [Symbol.asyncDispose]() {},
  };
  const reader = new WindowReader(spy, { windowBytes: 1_000_000, sizeHint: 3 });
  const window = await reader.next();
  assert.deepEqual([Buffer.from(window.bytes).toString(), window.last], ['abc', true]);
  assert.deepEqual(sizes, [4, 1]);
});

test('an empty input is one empty, last window', async () => {
  for (const stream of [[], [Buffer.alloc(0)], [Buffer.alloc(0), Buffer.alloc(0)]]) {
    const { windows } = await readAll(iterableSource(stream), { windowBytes: 10 });
    assert.deepEqual(windows, [[0, 0, true]]);
  }
});

test('a file that grows is read to where it ends', async (t) => {
  const path = join(temporaryDirectory(t), 'grows');
  writeFileSync(path, BYTES.subarray(0, 1500));
  await using source = await fileSource(path);
  const reader = new WindowReader(source, { windowBytes: 1000, sizeHint: 1500 });
  const first = await reader.next();
  assert.deepEqual([first.bytes.byteLength, first.last], [1000, false]);
  appendFileSync(path, BYTES.subarray(1500, 2500));
  reader.consume(1000);
  const second = await reader.next();
  assert.ok(Buffer.from(second.bytes).equals(BYTES.subarray(1000, 2000)));
  reader.consume(1000);
  const third = await reader.next();
  assert.ok(third.last && Buffer.from(third.bytes).equals(BYTES.subarray(2000, 2500)));
});

test('a source that fails, fails the reader; a stream is closed when its source is', async () => {
  const failing = iterableSource(
    (async function* () {
      yield Buffer.from('abc');
      throw new Error('the disk is gone');
    })(),
  );
  await assert.rejects(new WindowReader(failing, { windowBytes: 100 }).next(), {
    message: 'the disk is gone',
  });
  let closed = false;
  async function* stream() {
    try {
      for (;;) yield Buffer.from('abc');
    } finally {
      closed = true;
    }
  }
  const source = iterableSource(stream());
  await source.read(new Uint8Array(2));
  await source[Symbol.asyncDispose]();
  assert.equal(closed, true);
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { grammar as typescript } from '../../grammars/typescript.ts';
import { chunkSource } from '../../src/chunk/chunk-source.ts';
import { compiledParser } from '../../src/chunk/compiled-parsers.ts';
import { ParserPool } from '../../src/chunk/parser-pool.ts';
import { ALLOCATOR, SMALL_HEAP } from '../../src/cli/process-settings.ts';
import { iterableSource } from '../../src/read/byte-source.ts';

const TEXT = Array.from(
  { length: 40 },
  (_, i) => `export function f${i}(x: number): number {\n  return x * ${i};\n}\n`,
).join('\n');

/** Chunks the text so many times side by side. */
async function chunkAll(pool: ParserPool, times: number): Promise<string[]> {
  const run = async () => {
    const texts: string[] = [];
    for await (const chunks of chunkSource(iterableSource([Buffer.from(TEXT)]), { pool, path: 'a.ts' }))
      texts.push(...chunks.map(({ text }) => text));
    return texts.join('\u0000');
  };
  return Promise.all(Array.from({ length: times }, run));
}

test('threads can be replaced and become fewer and more while they work: nothing is lost', async () => {
  await using pool = new ParserPool({ workers: 3 });
  const [expected] = await chunkAll(pool, 1);
  const working = chunkAll(pool, 24);
  await pool.limit(1);
  await pool.recycle();
  await pool.limit(2);
  const more = chunkAll(pool, 8);
  await pool.recycle();
  for (const text of [...(await working), ...(await more)]) assert.equal(text, expected);
  assert.ok(pool.recycled >= 2, `${pool.recycled} were replaced`);
  const { recycled } = pool;
  await pool.recycle();
  assert.ok(pool.recycled > recycled, 'idle ones go at once');
  assert.deepEqual(await chunkAll(pool, 2), [expected, expected]);
});

test('a smaller limit ends idle threads, and those at work when they are done', async () => {
  await using pool = new ParserPool({ workers: 3 });
  await chunkAll(pool, 3);
  const before = pool.recycled;
  await pool.limit(1);
  assert.equal(pool.recycled, before + 2);
  await chunkAll(pool, 4);
  assert.equal(pool.recycled, before + 2, 'one is left and does it all');
  await pool.limit(0);
  assert.equal((await chunkAll(pool, 1)).length, 1, 'one there always is');
});

test('what parsing has taken is given back after some 16 MB of text', async () => {
  await using pool = new ParserPool({ workers: 1, recycleHeapBytes: 1e9 });
  const large = TEXT.repeat(1000);
  const chunkLarge = async (times: number) => {
    for (let i = 0; i < times; i++)
      for await (const _ of chunkSource(iterableSource([Buffer.from(large)]), { pool, path: 'a.txt' }));
  };
  const [expected] = await chunkAll(pool, 1);
  await chunkLarge(2);
  await chunkAll(pool, 500);
  assert.equal(pool.recycled, 0, `after ${(2 * large.length) / 1e6} MB`);
  await chunkLarge(6);
  assert.equal(pool.recycled, 1, `after ${(8 * large.length) / 1e6} MB`);
  assert.deepEqual(await chunkAll(pool, 2), [expected, expected]);
  assert.equal(pool.recycled, 1, 'the next one has had little yet');
});

test('the parsers are kept for the next pool, but not after much text', async () => {
  const parser = () => compiledParser(typescript);
  const run = async (times: number) => {
    await using pool = new ParserPool();
    await chunkAll(pool, times);
  };
  const first = await parser();
  await run(1);
  assert.equal(await parser(), first);
  await run(Math.ceil((4 << 20) / TEXT.length) + 1);
  assert.notEqual(await parser(), first);
});

test('threads that come and go leave nothing behind', { skip: process.platform !== 'linux' }, async (t) => {
  const child = fileURLToPath(new URL('./children/threads.ts', import.meta.url));
  const env = { ...process.env, ...ALLOCATOR };
  const args = ['--expose-gc', ...SMALL_HEAP, '--import', 'tsx', child];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  const samples = stdout.trim().split('\n').map(Number);
  assert.equal(samples.length, 240);
  // The median of how much more there is a hundred threads later: a late collection counts little.
  const growth = samples.slice(80, 140).map((bytes, i) => (samples[180 + i]! - bytes) / 100);
  const each = growth.sort((a, b) => a - b)[30]!;
  t.diagnostic(`${(each / 1e3).toFixed(1)} KB a thread`);
  // Threads that compile their parsers themselves leave some 20 to 50.
  assert.ok(each < 12_000, `${each} bytes stay of each`);
});

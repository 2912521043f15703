import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { grammar as typescript } from '../../grammars/typescript.ts';
import { chunkSource } from '../../src/chunk/chunk-source.ts';
import { compiledParser } from '../../src/chunk/compiled-parsers.ts';
import { ParserPool } from '../../src/chunk/parser-pool.ts';
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

test('what parsing has taken is given back after some 4 MB of text', async () => {
  await using pool = new ParserPool({ workers: 1, recycleHeapBytes: 1e9 });
  const large = TEXT.repeat(500);
  const chunkLarge = async (times: number) => {
    for (let i = 0; i < times; i++)
      for await (const _ of chunkSource(iterableSource([Buffer.from(large)]), { pool, path: 'a.txt' }));
  };
  const [expected] = await chunkAll(pool, 1);
  await chunkLarge(2);
  await chunkAll(pool, 500);
  assert.equal(pool.recycled, 0, `after ${(3 * large.length) / 1e6} MB`);
  await chunkLarge(1);
  assert.equal(pool.recycled, 1, `after ${(4 * large.length) / 1e6} MB`);
  assert.deepEqual(await chunkAll(pool, 2), [expected, expected]);
  assert.equal(pool.recycled, 1, 'the next one has had little yet');
});

test('a heap that has grown for a large file is given back when small ones follow', async () => {
  await using pool = new ParserPool({ workers: 1, recycleHeapBytes: 1e9 });
  const chunk = async (text: string, path: string) => {
    for await (const _ of chunkSource(iterableSource([Buffer.from(text)]), { pool, path }));
  };
  // Two windows, the second of them short.
  const large = TEXT.repeat(320);
  for (let i = 0; i < 3; i++) await chunk(large, 'a.ts');
  assert.equal(pool.recycled, 0, `large files one after the other, ${(3 * large.length) / 1e6} MB in all`);
  await chunk(TEXT, 'a.ts');
  assert.equal(pool.recycled, 1);
  await chunk(TEXT.repeat(16), 'a.ts');
  for (let i = 0; i < 500; i++) await chunk(TEXT, 'a.ts');
  assert.equal(pool.recycled, 1, 'small ones alone');
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

test('no thread compiles a parser: of each that did the engine would keep 20 to 50 KB', async () => {
  const child = (name: string) => fileURLToPath(new URL(`./children/${name}`, import.meta.url));
  const args = ['--import', 'tsx', '--import', child('tell-compiling.mjs'), child('threads.ts'), '60'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  // The runtime and the grammar, in the main thread.
  assert.deepEqual(stdout.trim().split('\n'), ['0', '0']);
});

test('where the system gives no thread, what was to be parsed fails, and not the program', {
  skip: process.platform !== 'linux',
}, async () => {
  const program = fileURLToPath(new URL('./children/no-thread.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program]);
  assert.match(stdout, /^parsed\n.*EAGAIN\n$/);
});

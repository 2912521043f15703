import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { Chunk } from '../../src/chunk/chunk.ts';
import { chunkFile, chunkStream } from '../../src/chunk/chunk-file.ts';
import { chunkSource } from '../../src/chunk/chunk-source.ts';
import { ParserPool } from '../../src/chunk/parser-pool.ts';
import { iterableSource } from '../../src/read/byte-source.ts';
import { assertCovers, collect, randomCuts, seeded } from '../support/chunking.ts';

const require = createRequire(import.meta.url);
const SOURCE = require.resolve('web-tree-sitter');

function pythonClass(methods: number): Buffer {
  const body = Array.from(
    { length: methods },
    (_, i) => `
    def method_${i}(self, count, total):
        """Adds the multiples of ${i}."""
        for k in range(count):
            if k % ${i + 1} == 0:
                total += k * ${i}
        return total
`,
  );
  return Buffer.from(`class Giant(Base):\n    limit = 1\n${body.join('')}`);
}

async function chunkWith(bytes: Buffer, path: string, windowBytes: number): Promise<Chunk[]> {
  await using pool = new ParserPool();
  const batches = await collect(chunkSource(iterableSource([bytes]), { pool, path, windowBytes }));
  return batches.flat();
}

test('a function that fits is one chunk, named, with its comment', async () => {
  const source = `import { readFile } from 'node:fs/promises';

// Reads a JSON file.
// Throws where it is not JSON.
export async function readJson(path) {
${'  // padding that makes the function too large to share a chunk\n'.repeat(8)}  return JSON.parse(await readFile(path, 'utf8'));
}

class Cache {
  get(key) {
${'    console.log("some statement that takes a few tokens", key);\n'.repeat(12)}    return this.map.get(key);
  }
  set(key, value) {
${'    console.log("some statement that takes a few tokens", key);\n'.repeat(12)}    this.map.set(key, value);
  }
}
`;
  const chunks = await collect(chunkStream([Buffer.from(source)], { path: 'a.js' }));
  assertCovers(Buffer.from(source), chunks);
  const reader = chunks.find((c) => c.symbol === 'readJson');
  assert.ok(reader !== undefined);
  assert.ok(reader.text.includes('// Reads a JSON file.\n'));
  assert.ok(reader.text.endsWith('}'));
  assert.equal(reader.language, 'javascript');
  assert.equal(reader.kind, 'code');
  const methods = chunks.filter((c) => c.scope === 'Cache').map((c) => c.symbol);
  assert.deepEqual([...new Set(methods)], ['get', 'set']);
});

test('the same bytes give the same chunks however the stream cuts them', async () => {
  const bytes = readFileSync(SOURCE);
  const random = seeded(7);
  const whole = await collect(chunkStream([bytes], { path: 'a.js' }));
  for (const largest of [3, 100, 5000]) {
    const cut = await collect(chunkStream(randomCuts(bytes, random, largest), { path: 'a.js' }));
    assert.deepEqual(cut, whole);
  }
});

test('windows of a file meet without a seam, within a class larger than a window', async () => {
  const bytes = pythonClass(3000);
  const whole = await chunkWith(bytes, 'a.py', bytes.length + 1);
  const windows = await chunkWith(bytes, 'a.py', 128 * 1024);
  assertCovers(bytes, windows);
  assert.deepEqual(windows, whole);
  assert.ok(whole.some((c) => c.symbol === 'method_2900' && c.scope === 'Giant'));
});

test('JSON on one line is cut at its values', async () => {
  const users = Array.from({ length: 6000 }, (_, id) => ({ id, name: `user${id}`, tags: ['a', 'b'] }));
  const bytes = Buffer.from(JSON.stringify({ users }));
  const whole = await chunkWith(bytes, 'a.json', bytes.length + 1);
  const windows = await chunkWith(bytes, 'a.json', 128 * 1024);
  assertCovers(bytes, windows);
  assert.deepEqual(
    windows.map((c) => c.startByte),
    whole.map((c) => c.startByte),
  );
  assert.ok(windows.every((c) => c.endByte - c.startByte < 4000));
});

const LARGEST_BYTES = 224 * 64;

for (const [name, path, bytes] of [
  ['empty', 'a.ts', Buffer.alloc(0)],
  ['white space only', 'a.ts', Buffer.from(' \n\t\n'.repeat(400_000))],
  ['CRLF', 'a.py', Buffer.from('def f():\r\n    return 1\r\n\r\ndef g():\r\n    return 2\r\n'.repeat(50))],
  ['no newline at all', 'a.js', Buffer.from('var a=1;'.repeat(40_000))],
  ['one token', 'a.js', Buffer.from(`x = "${'0123456789abcdef'.repeat(40_000)}"`)],
  ['deep nesting', 'a.json', Buffer.from('['.repeat(200_000) + ']'.repeat(200_000))],
  ['not what its name says', 'a.go', readFileSync(SOURCE)],
  ['unclosed', 'a.c', Buffer.from('int f(void) { if (x) {\n'.repeat(20_000))],
  ['random bytes', 'a.ts', randomBytes(300_000)],
] as const) {
  test(`hostile input: ${name}`, async () => {
    const chunks = await chunkWith(bytes, path, 128 * 1024);
    assertCovers(bytes, chunks);
    for (const chunk of chunks) assert.ok(chunk.endByte - chunk.startByte <= LARGEST_BYTES);
  });
}

function randomBytes(length: number): Buffer {
  const random = seeded(3);
  return Buffer.from(Uint8Array.from({ length }, () => random() * 256));
}

test('encodings: offsets are those of the file', async () => {
  const text = 'def grüße(name):\n    return "Grüße, 世界 🌍 " + name\n\n'.repeat(60);
  const utf8 = Buffer.from(text);
  const bom = Buffer.from([0xef, 0xbb, 0xbf]);
  const plain = await collect(chunkStream([utf8], { path: 'a.py' }));
  assertCovers(utf8, plain);
  for (const chunk of plain) {
    assert.equal(utf8.subarray(chunk.startByte, chunk.endByte).toString(), chunk.text);
  }
  const marked = await collect(chunkStream([bom, utf8], { path: 'a.py' }));
  assert.deepEqual(
    marked.map((c) => c.startByte - 3),
    plain.map((c) => c.startByte),
  );
  const le = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
  const be = Buffer.from(le).swap16();
  for (const bytes of [le, be]) {
    const wide = await collect(chunkStream([bytes], { path: 'a.py' }));
    assert.deepEqual(
      wide.map((c) => c.text),
      plain.map((c) => c.text),
    );
    const last = wide.at(-1)!;
    assert.equal(last.endByte, 2 + 2 * text.trimEnd().length);
  }
});

test('Latin-1 and broken UTF-8 keep every byte and exact offsets', async () => {
  const latin = Buffer.from('x = "caf\xe9"\n# na\xefve \xff\xfe\n'.repeat(30), 'latin1');
  const mixed = Buffer.concat([
    Buffer.from('é = 1\n'),
    Buffer.from([0xe9, 0x28, 0xc3]),
    Buffer.from('\n世 = 2\n'),
  ]);
  for (const bytes of [latin, mixed]) {
    const chunks = await collect(chunkStream([bytes], { path: 'a.py' }));
    assertCovers(bytes, chunks);
  }
  const [only] = await collect(chunkStream([mixed], { path: 'a.py' }));
  assert.ok(only!.text.includes('é = 1') && only!.text.includes('世 = 2') && only!.text.includes('é('));
});

test('errors name the file and what to do', async () => {
  await assert.rejects(collect(chunkFile('/nonexistent/a.ts')), { code: 'ERR_TIDEMARK_FILE_MISSING' });
  await assert.rejects(collect(chunkFile('/tmp')), { code: 'ERR_TIDEMARK_NOT_A_FILE' });
  await assert.rejects(collect(chunkStream([], { language: 'klingon' })), { code: 'ERR_TIDEMARK_LANGUAGE' });
});

test('leaving early and aborting stop the work', async () => {
  const bytes = pythonClass(9000);
  for await (const chunk of chunkStream([bytes], { path: 'a.py' })) {
    assert.equal(chunk.startByte, 0);
    break;
  }
  const controller = new AbortController();
  const run = async () => {
    for await (const _ of chunkStream([bytes], { path: 'a.py', signal: controller.signal }))
      controller.abort();
  };
  await assert.rejects(run(), { name: 'AbortError' });
});

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NATIVE_BINDING, nativeGrammars } from '../../grammars/native.ts';
import type { IndexedChunk } from '../../src/chunk/chunk.ts';
import { type ChunkReport, chunkSource } from '../../src/chunk/chunk-source.ts';
import { detectLanguage } from '../../src/chunk/languages.ts';
import { ParserProcess } from '../../src/chunk/native/parser-process.ts';
import { ParserPool } from '../../src/chunk/parser-pool.ts';
import { ParserTrap } from '../../src/chunk/parser-thread.ts';
import { NO_SCOPE, type WindowRequest } from '../../src/chunk/window-request.ts';
import { processTreeBytes } from '../../src/memory/process-tree.ts';
import { iterableSource } from '../../src/read/byte-source.ts';
import { assertCovers } from '../support/chunking.ts';
import { type CorpusFile, FuzzCases } from '../support/fuzz-case.ts';
import { childPids, until } from '../support/index-runs.ts';
import { nativeLanguages, withoutNative } from '../support/native-parser.ts';

const require = createRequire(import.meta.url);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LANGUAGES = join(ROOT, 'test/fixtures/languages');
const KIB = 1024;

const fixtures: readonly CorpusFile[] = readdirSync(LANGUAGES)
  .filter((file) => !file.includes('.expected.'))
  .sort()
  .map((file) => ({
    path: file,
    language: detectLanguage(file)?.name ?? '',
    read: () => readFileSync(join(LANGUAGES, file)),
  }));
const fixtureOf = (language: string) => fixtures.find((file) => file.language === language)!;

interface Chunked {
  readonly chunks: IndexedChunk[];
  readonly report: ChunkReport;
}

async function chunk(
  pool: ParserPool,
  bytes: Buffer,
  path: string,
  options: { readonly windowBytes?: number; readonly maxTokens?: number } = {},
): Promise<Chunked> {
  const source = chunkSource(iterableSource([bytes]), { pool, path, indexed: true, ...options });
  const chunks: IndexedChunk[] = [];
  for (;;) {
    const next = await source.next();
    if (next.done) return { chunks, report: next.value };
    chunks.push(...next.value);
  }
}

describe('the native parser', { skip: withoutNative }, () => {
  const wasm = new ParserPool();
  const native = new ParserPool({ parser: 'native' });
  after(() => Promise.all([wasm[Symbol.asyncDispose](), native[Symbol.asyncDispose]()]));

  async function assertSame(...input: [bytes: Buffer, path: string, options?: { windowBytes?: number }]) {
    const [expected, chunked] = [await chunk(wasm, ...input), await chunk(native, ...input)];
    assert.deepEqual(chunked, expected);
    return chunked;
  }

  test('is there for every language that is installed with tidemark', () => {
    const { optionalDependencies, devDependencies } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
    const installed = { ...devDependencies, ...optionalDependencies };
    for (const { package: name, version } of [NATIVE_BINDING, ...nativeGrammars.values()]) {
      assert.equal(installed[name], version, name);
    }
    assert.deepEqual(nativeLanguages, [...nativeGrammars.keys()]);
  });

  // Of those without a native grammar two that embed others: each parser takes them to the same place.
  const compared = new Set([...nativeGrammars.keys(), 'html', 'markdown']);
  for (const file of fixtures.filter(({ language }) => compared.has(language))) {
    test(`chunks as the other: ${file.path}`, async () => {
      await assertSame(file.read(), file.path);
    });
  }

  for (const language of nativeGrammars.keys()) {
    test(`chunks as the other, window by window: ${language}`, async () => {
      const { path, read } = fixtureOf(language);
      const one = language === 'json' ? Buffer.concat([read(), Buffer.from(',')]) : read();
      const many = Array.from({ length: Math.ceil((200 * KIB) / one.length) }, () => one);
      const parts = language === 'json' ? [Buffer.from('['), ...many, Buffer.from('0]')] : many;
      const bytes = Buffer.concat(parts);
      const { chunks, report } = await assertSame(bytes, path, { windowBytes: 64 * KIB });
      assertCovers(bytes, chunks);
      assert.equal(report.lexical, null);
    });
  }

  for (const path of [
    require.resolve('web-tree-sitter'),
    require.resolve('web-tree-sitter').replace(/\.c?js$/, '.d.ts'),
    require.resolve('apache-arrow'),
    join(ROOT, 'package-lock.json'),
    join(ROOT, 'src/store/store.ts'),
  ].filter(existsSync)) {
    test(`chunks as the other: ${path.split(/node_modules.|[/\\](?=[^/\\]*$)/).at(-1)}`, async () => {
      const { chunks } = await assertSame(readFileSync(path), path);
      assert.ok(chunks.length > 0);
    });
  }

  test('chunks as the other what does not parse', async () => {
    const corpus = fixtures.filter(({ language }) => nativeGrammars.has(language));
    const cases = new FuzzCases(20_261_122, corpus);
    for (let i = 0; i < 40; i++) {
      const { bytes, path, windowBytes, maxTokens, recipe } = cases.get(i);
      const input = [bytes, path, { windowBytes, maxTokens }] as const;
      const [expected, chunked] = [await chunk(wasm, ...input), await chunk(native, ...input)];
      assert.deepEqual(chunked, expected, `case ${i}: ${recipe.join(', ')}`);
    }
  });

  test('takes a last line without its end as the other does', async () => {
    for (const file of fixtures.filter(({ language }) => nativeGrammars.has(language))) {
      await assertSame(Buffer.from(file.read().toString().trimEnd()), file.path);
    }
  });

  test('what would abort the process never reaches the parser', async () => {
    const { recycled } = native;
    for (const bytes of [
      Buffer.from(`${'- '.repeat(400)}a\n`),
      Buffer.from(Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')),
    ]) {
      const { chunks, report } = await assertSame(bytes, 'a.yaml');
      assertCovers(bytes, chunks);
      assert.deepEqual(report.lexical, { reason: 'parser-budget', fromByte: 0 });
    }
    assert.equal(native.recycled, recycled);
  });

  test('a process that dies fails its window and no other', async () => {
    const dying = new ParserProcess();
    const window = windowOf(fixtureOf('rust').read(), 'rust');
    await dying.call({ window });
    // Stopped, it cannot answer before it is killed.
    process.kill(dying.pid, 'SIGSTOP');
    const call = dying.call({ window });
    process.kill(dying.pid, 'SIGKILL');
    await assert.rejects(call, ParserTrap);
    await dying.stop();
    const python = fixtureOf('python');
    await assertSame(python.read(), python.path);
  });

  test('a window over which the process dies comes out as from the other', async () => {
    await using pool = new ParserPool({ parser: 'native' });
    const { path, read } = fixtureOf('python');
    const bytes = Buffer.concat(Array.from({ length: 200 }, read));
    const expected = await chunk(wasm, bytes, path);
    const before = new Set(childPids());
    const chunked = chunk(pool, bytes, path);
    const born = () => childPids().filter((pid) => !before.has(pid));
    await until(() => born().length > 0);
    const [pid] = born();
    process.kill(pid!, 'SIGSEGV');
    assert.deepEqual(await chunked, expected);
    assert.equal(pool.recycled, 1);
    // The next window has the native parser again.
    assert.deepEqual(await chunk(pool, read(), path), await chunk(wasm, read(), path));
  });

  test('a process that dies while it is idle is replaced before the next window', async () => {
    await using pool = new ParserPool({ parser: 'native' });
    const { path, read } = fixtureOf('go');
    const before = new Set(childPids());
    const expected = await chunk(pool, read(), path);
    const [idle] = childPids().filter((pid) => !before.has(pid));
    process.kill(idle!, 'SIGKILL');
    await until(() => !childPids().includes(idle!));
    assert.deepEqual(await chunk(pool, read(), path), expected);
    assert.equal(pool.recycled, 1);
  });

  test('a process that does not come back is ended', async () => {
    const slow = new ParserProcess({ deadlineMs: 1 });
    const bytes = Buffer.concat(Array.from({ length: 500 }, () => fixtureOf('rust').read()));
    await assert.rejects(slow.call({ window: windowOf(bytes, 'rust') }), ParserTrap);
    await slow.stop();
    assert.equal(processTreeBytes(slow.pid), 0);
  });

  test('a process that has grown past its share is replaced, and its windows are done', async () => {
    await using small = new ParserPool({ parser: 'native', recycleHeapBytes: 1 });
    const { path, read } = fixtureOf('go');
    const expected = await chunk(wasm, read(), path);
    for (let i = 1; i <= 2; i++) {
      assert.deepEqual(await chunk(small, read(), path), expected);
      assert.equal(small.recycled, i);
    }
  });

  test('a thousand windows leave its memory flat', async () => {
    const process = new ParserProcess();
    try {
      const bytes = Buffer.concat(Array.from({ length: 5 }, () => fixtureOf('python').read()));
      const held: number[] = [];
      for (let i = 0; i < 1200; i++) {
        held.push((await process.call({ window: windowOf(bytes, 'python') })).heapBytes);
      }
      const growth = Math.max(...held.slice(900)) - Math.max(...held.slice(300, 600));
      assert.ok(growth < 6e6, `${(growth / 1e6).toFixed(1)} MB more after 600 windows`);
    } finally {
      await process.stop();
    }
  });
});

function windowOf(bytes: Buffer, language: string): WindowRequest {
  return {
    bytes,
    startByte: 0,
    startLine: 1,
    encoding: 'utf-8',
    language,
    kind: 'code',
    first: true,
    last: true,
    scope: NO_SCOPE,
    lexical: false,
    maxTokens: 224,
    path: '',
    indexed: false,
  };
}

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { grammar as cpp } from '../../grammars/cpp.ts';
import { grammar as csharp } from '../../grammars/csharp.ts';
import { grammar as haskell } from '../../grammars/haskell.ts';
import { grammar as json } from '../../grammars/json.ts';
import { grammar as kotlin } from '../../grammars/kotlin.ts';
import { grammar as toml } from '../../grammars/toml.ts';
import { compiledParser, forgetParsers } from '../../src/chunk/compiled-parsers.ts';

test('a parser is compiled once, whoever asks and however often', async () => {
  const [first, second] = await Promise.all([compiledParser(json), compiledParser(json)]);
  assert.equal(first, second);
  assert.equal(await compiledParser(json), first);
  forgetParsers();
  assert.notEqual(await compiledParser(json), first);
});

test('of many large ones those used last are kept', async () => {
  const small = await compiledParser(json);
  const other = await compiledParser(toml);
  for (const grammar of [kotlin, haskell, cpp]) {
    await compiledParser(grammar);
    assert.equal(await compiledParser(json), small, `in use beside ${grammar.name}`);
  }
  assert.notEqual(await compiledParser(toml), other);
  const largest = await compiledParser(csharp);
  assert.equal(await compiledParser(csharp), largest, 'one is kept whatever its size');
  assert.notEqual(await compiledParser(json), small);
});

test('one that failed is tried again', async () => {
  const broken = { ...json, wasm: { package: 'web-tree-sitter', file: 'none.wasm' } };
  await assert.rejects(compiledParser(broken), /cannot be read/);
  const mended = Object.assign(broken, { wasm: json.wasm });
  assert.ok((await compiledParser(mended)) instanceof WebAssembly.Module);
});

test('the runtime, too, is tried again', { skip: process.platform === 'win32' }, async () => {
  const program = fileURLToPath(new URL('./children/no-handle.ts', import.meta.url));
  const command = 'ulimit -n 60; exec "$0" --import tsx "$1"';
  const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, program]);
  assert.equal(stdout, 'EMFILE true\n');
});

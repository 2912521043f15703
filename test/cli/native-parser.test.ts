import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { NATIVE_BINDING } from '../../grammars/native.ts';
import { runCli } from '../support/cli-runs.ts';
import { withoutNative } from '../support/native-parser.ts';
import { writeSearchTree } from '../support/search-tree.ts';

const base = mkdtempSync(join(tmpdir(), 'tidemark-native-'));
after(() => rmSync(base, { recursive: true, force: true }));
const tree = join(base, 'tree');
writeSearchTree(tree);

describe('--parser native', { skip: withoutNative }, () => {
  test('chunks prints the same', async () => {
    for (const file of ['src/settings.ts', 'lib/sort.go']) {
      const outputs = [];
      for (const parser of ['wasm', 'native']) {
        const { code, stdout } = await runCli(['chunks', join(tree, file), '--parser', parser, '--json']);
        assert.equal(code, 0);
        outputs.push(stdout);
      }
      assert.equal(outputs[1], outputs[0]);
    }
  });

  test('index writes the same chunks; a run with the other parser finds nothing to do', async () => {
    const index = join(base, 'index');
    const run = async (parser: string) => {
      const args = ['index', tree, '--index', index, '--no-embed', '--memory', '600MB', '--json'];
      const { code, stdout, stderr } = await runCli([...args, '--parser', parser]);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const first = await run('native');
    assert.deepEqual([first.files.indexed, first.degraded], [10, []]);
    assert.ok(first.peakRssBytes <= 600e6, `${first.peakRssBytes} bytes`);
    const second = await run('wasm');
    assert.deepEqual([second.files.unchanged, second.chunks.written], [10, 0]);
  });

  test('doctor names its languages', async () => {
    const { stdout } = await runCli(['doctor', '--json']);
    const { nativeParser } = JSON.parse(stdout);
    assert.equal(nativeParser.works, true);
    assert.ok(nativeParser.languages.includes('python'));
  });

  test('a budget without room for its process is refused with the smallest that has it', async () => {
    const args = [
      'index',
      tree,
      '--index',
      join(base, 'none'),
      '--no-embed',
      '--parser',
      'native',
      '--memory',
    ];
    const { code, stderr } = await runCli([...args, '400MB']);
    assert.equal(code, 2);
    assert.match(stderr, /^tidemark: 400 ?MB .*--memory 440MB\n$/);
  });
});

describe('--parser native where it is not installed', () => {
  /** Hides packages from every process of a run. */
  function hiding(pattern: RegExp): Record<string, string> {
    const hide = join(base, `hide-${pattern.source.length}.cjs`);
    writeFileSync(
      hide,
      `const { Module } = require('node:module');
       const resolve = Module._resolveFilename;
       Module._resolveFilename = function (request, ...rest) {
         if (${pattern}.test(request)) throw Object.assign(new Error(request), { code: 'MODULE_NOT_FOUND' });
         return resolve.call(this, request, ...rest);
       };`,
    );
    return { NODE_OPTIONS: `--require=${hide}` };
  }
  const withoutBinding = hiding(/^tree-sitter\//);

  for (const args of [
    ['index', tree, '--index', join(base, 'never'), '--no-embed'],
    ['chunks', join(tree, 'lib/sort.go')],
  ]) {
    test(`${args[0]} says so in one line, and what to install`, async () => {
      const { code, stdout, stderr } = await runCli([...args, '--parser', 'native'], { env: withoutBinding });
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.equal(
        stderr,
        'tidemark: the native parser cannot be used: tree-sitter is not installed; ' +
          `npm install --legacy-peer-deps tree-sitter@${NATIVE_BINDING.version}, or take --parser wasm\n`,
      );
    });
  }

  test('doctor says so, and still tells the rest', async () => {
    const { code, stdout } = await runCli(['doctor'], { env: withoutBinding });
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^native {4}--parser native does not work: tree-sitter is not installed; npm install/m,
    );
    assert.match(stdout, /^syntax {4}/m);
  });

  test('a language without its grammar is parsed by the other', { skip: withoutNative }, async () => {
    const env = hiding(/^tree-sitter-go\//);
    const { stdout: report } = await runCli(['doctor', '--json'], { env });
    const { nativeParser } = JSON.parse(report);
    assert.ok(!nativeParser.languages.includes('go') && nativeParser.languages.includes('python'));
    const missing = nativeParser.missing.find(({ language }: { language: string }) => language === 'go');
    assert.match(missing.reason, /^tree-sitter-go is not installed; npm install .*tree-sitter-go@/);
    const args = ['chunks', join(tree, 'lib/sort.go'), '--json'];
    const [expected, chunks] = [await runCli(args), await runCli([...args, '--parser', 'native'], { env })];
    assert.deepEqual([chunks.code, chunks.stdout], [0, expected.stdout]);
  });

  test('an unknown parser is a usage error', async () => {
    const { code, stderr } = await runCli(['chunks', join(tree, 'lib/sort.go'), '--parser', 'regex']);
    assert.equal(code, 2);
    assert.match(stderr, /wasm, native/);
  });
});

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertError, runCli, runCliInTurn, write } from '../support/cli-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

const root = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
after(() => rmSync(root, { recursive: true, force: true }));
const tree = join(root, 'tree');

before(() => {
  write(tree, 'a.ts', 'export const one = 1;\n');
});

const WRONG_USAGE: readonly (readonly [name: string, args: readonly string[], line: RegExp])[] = [
  ['an unknown command', ['indx'], /unknown command 'indx' \(Did you mean index\?\)/],
  ['an unknown flag', ['index', '--fast', tree], /unknown option '--fast'/],
  ['a flag of another command', ['files', '--limit', '3', tree], /unknown option '--limit'/],
  ['a flag without its value', ['index', tree, '--memory'], /'--memory <size>' argument missing/],
  ['too many arguments', ['index', tree, tree], /too many arguments/],
  ['no query', ['search'], /missing required argument 'query'/],
  ['an empty query', ['search', '', tree], /'query'.*empty/],
  ['a query of white space', ['search', ' \n', tree], /'query'.*empty/],
  ['a query without quotes', ['search', 'two', 'words', tree], /Put the query in quotes/],
  ['a query of two words without quotes', ['search', 'two', 'words'], /write "two words"/],
  ['a query that begins with a dash', ['search', '-v', tree], /put -- before a query/],
  ['an empty DIR', ['index', ''], /'dir'.*empty/],
  ['an empty --index', ['index', tree, '--index', ''], /--index.*empty/],
  ['no file for chunks', ['chunks'], /missing required argument 'file'/],
  ['a --memory that is no size', ['index', tree, '--memory', 'lots'], /'lots' is not a size; .*512MB/],
  ['a negative --memory', ['index', tree, '--memory', '-1GB'], /'-1GB' is not a size/],
  ['a --memory of nothing', ['status', tree, '--memory', '0'], /'0' is not a size/],
  [
    'a --memory that is too small',
    ['index', tree, '--memory', '64MB'],
    /the smallest that works is --memory 450MB/,
  ],
  [
    'a --memory too small without the model',
    ['index', tree, '--memory', '64MB', '--no-embed'],
    /the smallest that works is --memory 300MB/,
  ],
  ['--limit 0', ['search', 'x', tree, '--limit', '0'], /whole number from 1 to 1000/],
  ['a negative --limit', ['search', 'x', tree, '--limit', '-5'], /whole number from 1 to 1000/],
  ['a --limit that is no number', ['search', 'x', tree, '--limit', '1e2'], /whole number from 1 to 1000/],
  ['a --limit beyond the most', ['search', 'x', tree, '--limit', '1001'], /whole number from 1 to 1000/],
  ['an unknown --kind', ['search', 'x', tree, '--kind', 'tests'], /Allowed choices are code, docs/],
  ['an unknown --mode', ['search', 'x', tree, '--mode', 'fuzzy'], /hybrid, lexical, semantic/],
  ['an unknown --device', ['index', tree, '--device', 'tpu'], /auto, cpu, wasm, webgpu/],
  [
    'an unknown language',
    ['search', 'x', tree, '--language', 'klingon'],
    /no language 'klingon'; 'tidemark doctor'/,
  ],
  [
    'an unknown language of a file',
    ['chunks', join(tree, 'a.ts'), '--language', 'klingon'],
    /no language 'klingon'/,
  ],
  [
    'an index in what is no object store',
    ['index', tree, '--index', 'ftp://host/x'],
    /ftp:\/\/host\/x is neither a directory nor an object store/,
  ],
  [
    'a prefix that leaves the bucket',
    ['index', tree, '--index', 's3://bucket/../x'],
    /s3:\/\/BUCKET\/PREFIX/,
  ],
  ['the root of the file system', ['index', '/'], /the root of the file system.*--force/],
];

test('wrong usage ends with exit code 2, one line that says what to do, and nothing done', async (t) => {
  const results = await runCliInTurn(WRONG_USAGE.map(([, args]) => args));
  for (const [at, [name, , line]] of WRONG_USAGE.entries()) {
    await t.test(name, () => assertError(results[at]!, 2, line));
  }
  assert.deepEqual(readdirSync(root), ['tree']);
  assert.deepEqual(readdirSync(tree), ['a.ts']);
});

test('the exit code of wrong usage is that of the process', async () => {
  assertError(await runCli(['index', tree, '--memory', '64MB']), 2, /--memory 450MB/);
  assertError(await runCli(['search']), 2, /query/);
});

test('a budget that is too small for the weights or the device is refused before the work', async (t) => {
  const own = temporaryDirectory(t);
  write(own, 'a.ts', 'export const one = 1;\n');
  for (const [args, least] of [
    [
      ['--dtype', 'fp32'],
      /^tidemark: 450 MB of memory is too little with the model; .*--memory 4[5-9]\dMB\n$/,
    ],
    [
      ['--device', 'wasm'],
      /^tidemark: 450 MB of memory is too little with the model; .*--memory [56]\d\dMB\n$/,
    ],
  ] as const) {
    assertError(await runCli(['index', own, '--memory', '450MB', ...args]), 2, least);
  }
  const { code, stdout } = await runCli(['status', own, '--json']);
  assert.equal(code, 0);
  assert.deepEqual(
    JSON.parse(stdout).files,
    { pending: 0, embedded: 0, skipped: 0 },
    'nothing was read for it',
  );
});

test('no command at all: the help, exit code 2', async () => {
  const { code, stdout, stderr } = await runCli([]);
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^Usage: tidemark /);
});

test('help and version are no errors', async () => {
  for (const args of [['--help'], ['help', 'search'], ['index', '--help'], ['--version']]) {
    const { code, stdout, stderr } = await runCli(args);
    assert.equal(code, 0);
    assert.equal(stderr, '');
    assert.match(stdout, args[0] === '--version' ? /^\d+\.\d+\.\d+\n$/ : /^Usage: tidemark /);
  }
});

test('the help names every flag of the contract', async () => {
  const { stdout } = await runCli(['search', '--help']);
  for (const flag of [
    'index',
    'memory',
    'device',
    'model',
    'json',
    'limit',
    'path',
    'language',
    'kind',
    'mode',
  ])
    assert.match(stdout, new RegExp(`^  --${flag}\\b`, 'm'));
  assert.match((await runCli(['index', '--help'])).stdout, /^ {2}--no-embed\b/m);
});

const FAILURES: readonly (readonly [name: string, args: readonly string[], line: RegExp])[] = [
  ['a DIR that is missing', ['index', join(root, 'none')], /no directory .*none/],
  ['a file for a DIR', ['index', join(tree, 'a.ts')], /a\.ts is not a directory/],
  ['no index to search', ['search', 'x', tree], /no index at .*run: tidemark index /],
  ['no index to list', ['files', tree], /no index at .*run: tidemark index /],
  ['no index to show', ['status', tree], /no index at .*run: tidemark index /],
  ['no index to remove', ['clean', tree], /no index at /],
  ['no index where --index says', ['status', tree, '--index', join(root, 'i')], /no index at .*--index/],
  [
    'a foreign directory for an index',
    ['index', root, '--index', tree],
    /tree is not empty and is not a tidemark index/,
  ],
  [
    'a foreign directory to remove',
    ['clean', root, '--index', tree],
    /tree is not empty and is not a tidemark index/,
  ],
  ['a file for an index', ['index', root, '--index', join(tree, 'a.ts')], /a\.ts/],
  ['chunks of a directory', ['chunks', tree], /tree is a directory; name a file/],
  ['chunks of a file that is missing', ['chunks', join(tree, 'b.ts')], /b\.ts does not exist/],
];

test('a failure ends with exit code 1 and one line that says what to do', async (t) => {
  const results = await runCliInTurn(FAILURES.map(([, args]) => args));
  for (const [at, [name, , line]] of FAILURES.entries()) {
    await t.test(name, () => assertError(results[at]!, 1, line));
  }
  assert.deepEqual(readdirSync(tree), ['a.ts']);
  assert.ok(!existsSync(join(root, 'none')));
});

test('TIDEMARK_DEBUG=1 adds the stack', async () => {
  const { code, stderr } = await runCli(['status', tree], { env: { TIDEMARK_DEBUG: '1' } });
  assert.equal(code, 1);
  assert.match(stderr, /^tidemark: no index at [^\n]+\nNoIndexError: .*\n {4}at /);
});

test('a home directory and what holds it are refused, unless forced', async () => {
  const home = join(root, 'homes/me');
  mkdirSync(home, { recursive: true });
  write(home, 'b.ts', 'export const two = 2;\n');
  const env = { HOME: home };
  assertError(await runCli(['index', home], { env }), 2, /your home directory.*--force/);
  assertError(
    await runCli(['index', join(root, 'homes')], { env }),
    2,
    /a parent of your home directory.*--force/,
  );
  assert.deepEqual(readdirSync(home), ['b.ts']);
  const forced = await runCli(['index', home, '--force', '--no-embed'], { env });
  assert.equal(forced.code, 0, forced.stderr);
});

test('control characters of a path do not reach the terminal', async () => {
  const result = await runCli(['status', join(root, 'red\u001b[31m\nline')]);
  assertError(result, 1, /red\ufffd\[31m line/);
});

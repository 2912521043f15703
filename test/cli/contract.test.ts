import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  jsonLines,
  runCli,
  runCliInTurn,
  runJson,
  SMALL_TREE,
  sortedKeys,
  writeSmallTree,
} from '../support/cli-runs.ts';

const root = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
after(() => rmSync(root, { recursive: true, force: true }));
const paths = Object.keys(SMALL_TREE).sort();

before(async () => {
  writeSmallTree(root);
  const { code, stdout, stderr } = await runCli(['index', root]);
  // On a slow machine it tells how far it is.
  assert.equal(stderr.replace(/^(?:reading|embedding): .*\n/gm, ''), '');
  assert.equal(code, 0);
  const lines = stdout.split('\n');
  assert.match(lines[0]!, /^files {3}12 indexed, 0 unchanged, 0 removed$/);
  assert.match(lines[1]!, /^chunks {2}(\d+) written, \d+ embedded, \d+ reused, 0 pending, 0 failed$/);
  assert.match(lines[2]!, /^took {4}[\d.]+ s, read [\d.]+ \w+, peak memory [\d.]+ MB of [\d.]+ [MG]B$/);
});

/** The files of the index and when they were written, but for the lock. */
function indexedFiles(): string[] {
  const names = readdirSync(join(root, '.tidemark'), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => !name.startsWith('lock'))
    .map((name) => [name, lstatSync(join(root, '.tidemark', name))] as const)
    .flatMap(([name, info]) => (info.isFile() ? [`${name} ${info.mtimeMs}`] : []))
    .sort();
}

test('index --json: one line with the keys of the contract; an index that is up to date is left alone', async () => {
  const before = indexedFiles();
  const result = await runCli(['index', root, '--json']);
  assert.equal(result.stderr, '');
  assert.equal(result.code, 0);
  const [summary, ...more] = jsonLines(result.stdout);
  assert.deepEqual(more, []);
  assert.deepEqual(sortedKeys(summary), [
    'budgetBytes',
    'bytes',
    'chunks',
    'degraded',
    'embedder',
    'files',
    'peakRssBytes',
    'seconds',
  ]);
  assert.deepEqual(summary.files, { seen: 12, indexed: 0, unchanged: 12, removed: 0, skipped: {} });
  assert.deepEqual(summary.chunks, { written: 0, embedded: 0, reused: 0, pending: 0, failed: 0 });
  assert.deepEqual(sortedKeys(summary.embedder), ['device', 'dimensions', 'model']);
  assert.equal(summary.embedder.dimensions, 384);
  assert.deepEqual(summary.degraded, []);
  assert.ok(summary.peakRssBytes > 0 && summary.budgetBytes > 0 && summary.seconds > 0);
  assert.deepEqual(indexedFiles(), before);
});

test('index --json --events: each event on a line of its own, the summary last', async () => {
  const { code, stdout } = await runCli(['index', root, '--json', '--events']);
  assert.equal(code, 0);
  const lines = jsonLines(stdout);
  const summary = lines.pop();
  assert.ok('budgetBytes' in summary);
  const types = lines.map(({ type }) => type);
  assert.deepEqual(types.slice(0, 1), ['start']);
  assert.ok(types.includes('progress') && types.includes('maintenance'), types.join());
  assert.ok(!types.includes('done'), 'that is the summary');
});

test('search --json: one object with the keys of the contract', async () => {
  const [result, ...more] = await runJson(['search', 'how heavy is a parcel', root]);
  assert.deepEqual(more, []);
  assert.deepEqual(sortedKeys(result), ['coverage', 'hits', 'mode', 'query', 'seconds']);
  assert.equal(result.query, 'how heavy is a parcel');
  assert.equal(result.mode, 'hybrid');
  assert.equal(result.coverage, 1);
  assert.equal(result.hits.length, 10);
  for (const hit of result.hits) {
    assert.deepEqual(sortedKeys(hit), [
      'endLine',
      'kind',
      'language',
      'path',
      'score',
      'startLine',
      'symbol',
      'text',
    ]);
    const lines = SMALL_TREE[hit.path as string]!.split('\n');
    assert.equal(
      lines
        .slice(hit.startLine - 1, hit.endLine)
        .join('\n')
        .trim(),
      hit.text.trim(),
    );
  }
  const scores = result.hits.map((hit: { score: number }) => hit.score);
  assert.deepEqual(
    scores,
    scores.toSorted((a: number, b: number) => b - a),
  );
});

test('search in plain: the place, the symbol, the text', async () => {
  const { code, stdout, stderr } = await runCli(['search', 'print_label', root, '--limit', '1']);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.equal(
    stdout,
    'src/labels.py:1  print_label\n' +
      SMALL_TREE['src/labels.py']!.replace(/\n$/, '').replace(/^/gm, '    ') +
      '\n\n',
  );
});

test('search --files: each path once, and --like: what is like a place, the place itself left out', async () => {
  const [files, like] = await runCliInTurn([
    ['search', 'parcel', root, '--files', '--mode', 'lexical'],
    ['search', '--like', './src/labels.py:1', root, '--files'],
  ]);
  for (const { code, stdout } of [files!, like!]) {
    assert.equal(code, 0);
    const found = stdout.trimEnd().split('\n');
    assert.ok(found.length > 1 && found.every((path) => paths.includes(path)), stdout);
    assert.deepEqual(found, [...new Set(found)]);
  }
  assert.ok(!like!.stdout.split('\n').includes('src/labels.py'));
  const [json] = await runJson(['search', '--like', 'src/labels.py:1', root]);
  assert.equal(json.query, 'src/labels.py:1');
  const [absent, malformed, both] = await runCliInTurn([
    ['search', '--like', 'absent.ts:1', root],
    ['search', '--like', 'src/labels.py', root],
    ['search', 'parcel', root, '--like', 'src/labels.py:1'],
  ]);
  assert.deepEqual([absent!.code, malformed!.code, both!.code], [1, 2, 2]);
  assert.match(absent!.stderr, /^tidemark: absent\.ts is not in the index; .*\n$/);
  assert.match(malformed!.stderr, /PATH:LINE/);
});

test('the filters and the modes of search', async () => {
  const below = (...folders: string[]) => paths.filter((path) => folders.some((f) => path.startsWith(f)));
  const words = ['--mode', 'lexical'];
  const cases: [args: string[], expected: string[]][] = [
    [['--mode', 'semantic'], paths],
    [['--path', 'src/**'], below('src/')],
    [
      ['--language', 'TS', '--kind', 'code'],
      ['src/courier.ts', 'src/parcel.ts'],
    ],
    [words, ['README.md', 'docs/returns.md', 'src/parcel.ts', ...below('web/')]],
    [
      [...words, '--path', '!{src,docs}/**'],
      ['README.md', ...below('web/')],
    ],
    [
      [...words, '--path', '*.md'],
      ['README.md', 'docs/returns.md'],
    ],
    [[...words, '--path', 'web'], below('web/')],
    [[...words, '--language', 'js', '--path', 'src/*'], []],
    [[...words, '--language', 'js'], ['web/app.js']],
    [
      [...words, '--kind', 'docs'],
      ['README.md', 'docs/returns.md'],
    ],
    [[...words, '--kind', 'code', '--language', 'markdown'], []],
  ];
  const results = await runCliInTurn(
    cases.map(([args]) => ['search', 'parcel', root, '--json', '--limit', '100', ...args]),
  );
  for (const [at, [args, expected]] of cases.entries()) {
    const { code, stdout, stderr } = results[at]!;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, args.join(' '));
    const found: string[] = jsonLines(stdout)[0].hits.map((hit: { path: string }) => hit.path);
    assert.deepEqual([...new Set(found)].sort(), expected, args.join(' '));
  }
});

test('queries of any kind are only text', async () => {
  // 100 KB without meaning, as embedding them takes a minute on a slow machine.
  const long = 'where is my parcel '.repeat(5400);
  const odd = [
    '--json -parcel',
    `'; DROP TABLE chunks; --`,
    '"parcel" AND (NOT',
    '\\ % _ * ?^2~',
    '包裹 📦\n\t',
  ];
  const queries = [...odd, long];
  const results = await runCliInTurn([
    ...queries.map((query) => ['search', '--json', '--mode', 'lexical', '--limit', '1', '--', query, root]),
    ['search', '--json', '--limit', '1', long.slice(0, 4000), root],
    ['status', '--json', root],
  ]);
  for (const { code, stderr } of results) assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const printed = results.map(({ stdout }) => jsonLines(stdout)[0]);
  assert.deepEqual(
    printed.slice(0, queries.length).map(({ query }) => query),
    queries,
  );
  assert.deepEqual(
    [0, 2, 5, 6].map((at) => printed[at].hits.length),
    [1, 1, 1, 1],
  );
  assert.equal(printed.at(-1).chunks, 12);
});

test('files: one a line in the order of their paths, with the keys of the contract', async () => {
  const plain = await runCli(['files', root]);
  assert.deepEqual(plain, { code: 0, stdout: `${paths.join('\n')}\n`, stderr: '' });
  const files = await runJson(['files', root]);
  assert.deepEqual(
    files.map((file) => file.path),
    paths,
  );
  for (const file of files) {
    assert.deepEqual(sortedKeys(file), ['chunks', 'language', 'path', 'size', 'state']);
    assert.equal(file.size, Buffer.byteLength(SMALL_TREE[file.path]!));
    assert.equal(file.state, 'embedded');
    assert.ok(file.chunks > 0);
  }
});

test('status says what the index holds', async () => {
  const [status, ...more] = await runJson(['status', root]);
  assert.deepEqual(more, []);
  assert.deepEqual(status.files, { pending: 0, embedded: 12, skipped: 0 });
  assert.equal(status.coverage, 1);
  assert.equal(status.chunks, status.vectors);
  assert.equal(status.model.dimensions, 384);
  assert.ok(status.sizeBytes > 0);
  const plain = await runCli(['status', root]);
  assert.match(plain.stdout, /^files {5}12, of which 0 wait to be embedded; 0 more skipped$/m);
  assert.match(plain.stdout, /^coverage {2}100\.0 % of the chunks can be found by meaning$/m);
  assert.equal(plain.stderr, '');
  assert.equal(plain.code, 0);
});

test('DIR is the current directory by default', async () => {
  const { code, stdout } = await runCli(['files'], { cwd: root });
  assert.equal(code, 0);
  assert.equal(stdout, `${paths.join('\n')}\n`);
});

test('doctor says what works', async () => {
  const [report, ...more] = await runJson(['doctor']);
  assert.deepEqual(more, []);
  assert.deepEqual(sortedKeys(report), [
    'devices',
    'languages',
    'memory',
    'model',
    'nativeParser',
    'versions',
  ]);
  assert.ok(report.devices.some((device: { ok: boolean }) => device.ok));
  assert.ok(report.memory.smallestBudgetBytes > report.memory.smallestLexicalBudgetBytes);
  assert.ok(report.languages.bySyntax.includes('typescript'));
  const plain = await runCli(['doctor']);
  assert.match(plain.stdout, /^device {4}cpu: works, onnxruntime-node /m);
  assert.match(plain.stdout, /^syntax {4}.*\btypescript\b/m);
  assert.equal(plain.stderr, '');
  assert.equal(plain.code, 0);
});

test('clean removes the index and nothing else', async () => {
  const index = join(root, 'elsewhere/idx');
  const made = await runCli(['index', root, '--index', index, '--no-embed']);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /^note {4}pending chunks are found by words only; /m);
  const [cleaned] = await runJson(['clean', root, '--index', index]);
  assert.deepEqual(cleaned, { removed: index });
  assert.ok(!existsSync(index));
  assert.ok(existsSync(join(root, '.tidemark/meta.json')));
  const plain = await runCli(['clean', root]);
  assert.deepEqual(plain, { code: 0, stdout: `removed ${join(root, '.tidemark')}\n`, stderr: '' });
  assert.ok(!existsSync(join(root, '.tidemark')));
  assert.deepEqual(
    paths.filter((path) => !existsSync(join(root, path))),
    [],
  );
});

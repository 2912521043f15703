import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli, runCliInTurn, runJson, write } from '../support/cli-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

const WHITE_SPACE = new Set(Buffer.from(' \t\r\n\f\v'));

/** Files that a tree is not supposed to have, but has. */
const ODD_NAMES = ['a space.py', `quote'"s.py`, 'new\nline.py', '100%25.py', '#?&.py', '-rf.py', 'ünï-包.py'];

async function listen(path: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

async function oddTree(t: TestContext): Promise<string> {
  const root = join(temporaryDirectory(t), `it's 100% "odd" #1?`);
  for (const name of ODD_NAMES) write(root, name, `def name():\n    return ${JSON.stringify(name)}\n`);
  writeFileSync(
    Buffer.concat([Buffer.from(`${root}/raw-`), Buffer.of(0xff), Buffer.from('.py')]),
    'raw = 1\n',
  );
  write(root, 'empty.py', '');
  write(root, 'blank.py', ' \n\n\t\n');
  write(root, 'image.py', Uint8Array.of(0x89, 0x50, 0, 0, 1, 2, 3, 0, 0xff));
  write(
    root,
    'broken.py',
    Buffer.concat([Buffer.from('ok = "'), Buffer.of(0xc3, 0x28, 0xff), Buffer.from('"\n')]),
  );
  write(root, 'crlf.py', 'def first():\r\n    return 1\r\n\r\ndef second():\r\n    return 2\r\n');
  mkdirSync(join(root, 'loop/inner'), { recursive: true });
  symlinkSync('../..', join(root, 'loop/inner/up'));
  symlinkSync('nowhere', join(root, 'dangling'));
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [join(root, 'pipe.py')]);
    const server = await listen(join(root, 'socket.py'));
    t.after(() => server.close());
  }
  return root;
}

test('a tree of odd names and contents is indexed, listed, found and removed', {
  timeout: 60_000,
}, async (t) => {
  const root = await oddTree(t);
  const [summary] = await runJson(['index', '--no-embed', root]);
  assert.deepEqual(summary.files.skipped, { binary: 1, symlink: 2, 'special-file': 2 });
  assert.equal(summary.files.indexed, ODD_NAMES.length + 5);

  const files = new Map((await runJson(['files', root])).map((file) => [file.path, file]));
  const expected = [...ODD_NAMES, 'raw-\\xff.py', 'empty.py', 'blank.py', 'broken.py', 'crlf.py'];
  assert.deepEqual([...files.keys()].sort(), expected.sort());
  assert.deepEqual([files.get('empty.py').chunks, files.get('blank.py').chunks], [0, 0]);
  assert.equal(files.get('empty.py').state, 'embedded');

  const queries: [query: string, path: string][] = [
    ['line', 'new\nline.py'],
    ['raw', 'raw-\\xff.py'],
    ['first', 'crlf.py'],
    ['ok', 'broken.py'],
  ];
  const found = await runCliInTurn(
    queries.map(([query]) => ['search', query, root, '--json', '--limit', '1']),
  );
  for (const [at, [, path]] of queries.entries())
    assert.equal(JSON.parse(found[at]!.stdout).hits[0].path, path);
  const [skipped] = await runJson(['files', '--skipped', root]);
  assert.deepEqual({ path: skipped.path, reason: skipped.reason }, { path: 'image.py', reason: 'binary' });

  const plain = await runCli(['files', root]);
  assert.equal(plain.stdout.split('\n').length, expected.length + 1, 'not one a line');
  assert.ok(plain.stdout.includes('\nnew\\x0aline.py\n'));
  const again = await runCli(['index', '--no-embed', '--verbose', root]);
  assert.match(again.stderr, /^skipped pipe\.py: special-file$/m);
  assert.match(again.stderr, /^skipped loop\/inner\/up: symlink$/m);
  assert.match(again.stdout, /^files {3}0 indexed, 12 unchanged, 0 removed; skipped: /);
  assert.equal(again.code, 0);
});

test('the chunks of a file cover all of it but white space, in order', async (t) => {
  const root = await oddTree(t);
  write(root, 'long.md', `# One\r\n\r\n${'Words and more words. '.repeat(400)}\n\n\n## Two\n\nThe end`);
  const names = ['crlf.py', 'broken.py', 'long.md', 'empty.py', 'blank.py', 'new\nline.py'];
  const results = await runCliInTurn(names.map((name) => ['chunks', join(root, name), '--json']));
  for (const [at, name] of names.entries()) {
    const { code, stdout, stderr } = results[at]!;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const bytes = readFileSync(join(root, name));
    let end = 0;
    for (const line of stdout.split('\n').slice(0, -1)) {
      const chunk = JSON.parse(line);
      assert.deepEqual(Object.keys(chunk).sort(), [
        'endByte',
        'endLine',
        'kind',
        'language',
        'scope',
        'startByte',
        'startLine',
        'symbol',
        'text',
      ]);
      assert.ok(chunk.startByte >= end && chunk.endByte > chunk.startByte, name);
      assert.ok(
        bytes.subarray(end, chunk.startByte).every((byte) => WHITE_SPACE.has(byte)),
        name,
      );
      // What is not UTF-8 is taken for a text of one byte a character.
      const encoding = name === 'broken.py' ? 'latin1' : 'utf8';
      assert.equal(chunk.text, bytes.toString(encoding, chunk.startByte, chunk.endByte));
      const newlines = bytes.subarray(0, chunk.startByte).filter((byte) => byte === 10).length;
      assert.equal(chunk.startLine, newlines + 1);
      end = chunk.endByte;
    }
    assert.ok(
      bytes.subarray(end).every((byte) => WHITE_SPACE.has(byte)),
      name,
    );
  }
});

test('chunks in plain: the lines of a file as a terminal takes them', async (t) => {
  const root = await oddTree(t);
  write(root, 'colour.txt', 'red \u001b[31m text\r\n');
  const [crlf, colour, binary, raw] = await runCliInTurn([
    ['chunks', join(root, 'crlf.py')],
    ['chunks', join(root, 'colour.txt')],
    ['chunks', join(root, 'image.py')],
    ['chunks', join(root, 'raw-\\xff.py')],
  ]);
  assert.match(crlf!.stdout, /^1-\d+ {2}python(?: {2}\w+)?\n {4}def first\(\):\n {4} {4}return 1\n/);
  assert.match(colour!.stdout, /red \ufffd\[31m text\n/);
  assert.match(binary!.stderr, /^note: .*image\.py looks binary; [^\n]+\n$/);
  assert.equal(binary!.code, 0);
  assert.match(raw!.stdout, /^ {4}raw = 1$/m);
});

test('chunks reads a pipe to its end, and only once', { timeout: 20_000 }, async (t) => {
  if (process.platform === 'win32') return t.skip('no named pipes');
  const pipe = join(temporaryDirectory(t), 'pipe.py');
  execFileSync('mkfifo', [pipe]);
  const running = runCli(['chunks', pipe, '--json', '--language', 'py']);
  execFileSync('sh', ['-c', 'printf "def one():\\n    return 1\\n" > "$0"', pipe]);
  const { code, stdout } = await running;
  assert.equal(code, 0);
  assert.deepEqual(
    stdout.split('\n').map((line) => (line === '' ? '' : JSON.parse(line).text)),
    ['def one():\n    return 1', ''],
  );
});

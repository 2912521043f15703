import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import {
  assertError,
  COMMAND,
  cliEnv,
  jsonLines,
  runCli,
  runJson,
  startCli,
  write,
  writeSmallTree,
} from '../support/cli-runs.ts';

const root = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
after(() => rmSync(root, { recursive: true, force: true }));
const tree = join(root, 'tree');

before(async () => {
  writeSmallTree(tree);
  write(tree, 'image.png', Uint8Array.of(0x89, 0x50, 0, 0, 1, 2, 3));
  await runJson(['index', '--no-embed', tree]);
});

/** Quotes an argument for a POSIX shell. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const shellCommand = (...args: string[]): string => [...COMMAND, ...args].map(quote).join(' ');

test('a reader that has enough is no error', async () => {
  for (const args of [['files', tree], ['chunks', join(tree, 'src/parcel.ts'), '--json'], ['--help']]) {
    const child = startCli(args);
    child.stdout!.destroy();
    const closed = new Promise((resolve) => child.once('close', resolve));
    const stderr = await text(child.stderr!);
    const code = await closed;
    assert.equal(stderr, '');
    assert.equal(code, 0, args[0]);
  }
});

test('files | head -1 in a shell', () => {
  const script = `set -o pipefail; ${shellCommand('files', tree)} | head -1`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { env: cliEnv(), encoding: 'utf8' });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'README.md\n', stderr: '' });
});

test('a disk that is full is an error of one line', (t) => {
  if (!existsSync('/dev/full')) return t.skip('no /dev/full');
  for (const args of [['files', tree], ['status', tree, '--json'], ['--help']]) {
    const script = `${shellCommand(...args)} > /dev/full`;
    const { status, stderr } = spawnSync('bash', ['-c', script], { env: cliEnv(), encoding: 'utf8' });
    assertError({ code: status, stdout: '', stderr }, 1, /stdout cannot be written \(ENOSPC\)/);
  }
});

for (const [args, expected] of [
  [['--json', '--events'], 1],
  [['--json'], 0],
] as const)
  test(`index ${args.join(' ')} tells by its exit code what is done when nobody reads stdout`, async () => {
    const child = startCli([
      'index',
      tree,
      '--index',
      join(root, 'unread'),
      '--force',
      '--no-embed',
      ...args,
    ]);
    child.stdout!.destroy();
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, expected);
  });

test('work goes on when nobody reads stderr', async () => {
  const child = startCli(['index', tree, '--no-embed', '--json', '--verbose']);
  child.stderr!.destroy();
  let stdout = '';
  child.stdout!.setEncoding('utf8').on('data', (part: string) => {
    stdout += part;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0);
  assert.equal(jsonLines(stdout)[0].files.unchanged, 12);
});

test('on a terminal bars go to stderr, and stdout has nothing but the JSON', async (t) => {
  try {
    execFileSync('script', ['--version'], { stdio: 'ignore' });
  } catch {
    return t.skip('no script(1) of util-linux');
  }
  const out = join(root, 'out.json');
  const index = join(root, 'terminal-index');
  const inner = `${shellCommand('index', tree, '--index', index, '--json', '--verbose')} > ${quote(out)}`;
  const { status, stdout } = spawnSync('script', ['-qec', inner, '/dev/null'], {
    env: cliEnv({ TERM: 'xterm' }),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
  const [summary, ...more] = jsonLines(readFileSync(out, 'utf8'));
  assert.deepEqual(more, []);
  assert.equal(summary.files.indexed, 12);
  assert.match(stdout, /reading {3}.*13\/13 files/);
  assert.match(stdout, /embedding .*12\/12 chunks/);
  assert.match(stdout, /skipped image\.png: binary\r\n/);
  // The cursor comes back.
  assert.ok(stdout.lastIndexOf('\u001b[?25h') > stdout.lastIndexOf('\u001b[?25l'));
  // Progress leaves nothing behind on the last line.
  assert.ok(stdout.endsWith('\r\u001b[K'));
});

test('off a terminal nothing moves: no control character anywhere', async () => {
  const { stdout, stderr } = await runCli(['search', 'parcel', tree, '--mode', 'lexical']);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there
  assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f]/);
  assert.match(stdout, /^src\/parcel\.ts:\d+ {2}/m);
});

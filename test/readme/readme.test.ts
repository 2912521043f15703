import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { builtPackage, REPOSITORY } from '../support/built-package.ts';

const run = promisify(execFile);
const TSX = import.meta.resolve('tsx');
const readme = await readFile(join(REPOSITORY, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
const EXPECTED = [
  /^\d+ files indexed\n[\s\S]+100 % can be searched by meaning/,
  /^(\d+ \d+ .+\n)+\d+\n$/,
  /^1 1 1\n$/,
];

let project: string;
let built: string;

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'tidemark-readme-'));
  await mkdir(join(project, 'node_modules'));
  built = builtPackage(join(project, 'built'));
  await symlink(built, join(project, 'node_modules', 'tidemark'));
  await mkdir(join(project, 'src'));
  for (const file of ['index.ts', 'lock/directory-lock.ts', 'errors.ts']) {
    await cp(join(REPOSITORY, 'src', file), join(project, 'src', file.replace('lock/', '')));
  }
});

after(() => rm(project, { recursive: true, force: true }));

test('the README has the examples that are expected below', () => {
  assert.equal(examples.length, EXPECTED.length);
});

for (const [i, source] of examples.entries()) {
  test(`example ${i + 1} of the README runs against the built package`, async () => {
    const file = join(project, `example-${i}.mts`);
    await writeFile(file, source);
    const { stdout } = await run(process.execPath, ['--import', TSX, file], { cwd: project });
    assert.match(stdout, EXPECTED[i]!);
  });
}

test('the commands of the README exist', async () => {
  const cli = join(built, 'dist/src/cli/main.js');
  const { stdout } = await run(process.execPath, [cli, '--help']);
  const named = [...readme.matchAll(/^ {4}tidemark (\w+) /gm)].map((match) => match[1]!);
  assert.ok(named.length >= 7);
  for (const name of named) assert.match(stdout, new RegExp(`^ {2}${name} `, 'm'));
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { decodePath } from '../../src/walk/path-codec.ts';
import { pick, seededRandom } from './random.ts';
import { collect, temporaryDirectory } from './temporary-tree.ts';

const TREES = Number(process.env.TIDEMARK_TEST_TREES ?? 200);
const SEED = Number(process.env.TIDEMARK_TEST_SEED ?? 20_240_917);

const NAMES = ['a', 'b', 'ab', 'abc', 'Ab', 'foo', 'foo.c', 'foo.h', 'b.c', 'x y', 'x ', ' x', '#a', '!b'];
const ODD = [
  'a*',
  '[a]',
  'a\\',
  '\\b',
  'é',
  'a\xff',
  'ü.c',
  '-',
  ']',
  'a?c',
  '{a}',
  'build',
  'a\tb',
  'a\\x41',
  'ZZ',
];
const GLOBS = [
  '*',
  '?',
  '**',
  '***',
  '*.c',
  '*.[ch]',
  'a*',
  '*b',
  'f?o*',
  '[a-c]',
  '[!a]',
  '[^b]*',
  '[]a]',
  '[a-]',
];
const CLASSES = [
  '[[:alpha:]]',
  '[[:upper:]]*',
  '[[:nope:]]',
  '[a',
  '[!]',
  '[\\]]',
  '[a\\-c]',
  '[[:]',
  '[B-f]*',
  '[Z]Z',
];
const QUIRKS = [
  'a**',
  '**b',
  'a\\',
  '\\a',
  '\\\\',
  '\\#a',
  '\\!b',
  'x\\ ',
  'x ',
  'x\\  ',
  'x y',
  'a\r',
  '*\\*',
  '\\A*',
  '?\\?c',
];

type Random = () => number;

function component(random: Random): string {
  return pick(random, pick(random, [NAMES, NAMES, ODD, GLOBS, GLOBS, CLASSES, QUIRKS]));
}

function pattern(random: Random): string {
  if (random() < 0.05)
    return pick(random, ['', '# a', '#', '!', '/', '//', ' ', '!/', '**/', '/**', '/*', '*/']);
  let text = component(random);
  while (random() < 0.35) {
    text += random() < 0.85 ? `/${random() < 0.25 ? '**/' : ''}${component(random)}` : component(random);
  }
  if (random() < 0.1) text = `**/${text}`;
  if (random() < 0.1) text += '/**';
  if (random() < 0.2) text = `/${text}`;
  if (random() < 0.25) text += '/';
  if (random() < 0.25) text = `!${text}`;
  if (random() < 0.05) text += pick(random, [' ', '  ', '\t', '\r']);
  return text;
}

function ignoreFile(random: Random): Buffer {
  const lines = Array.from({ length: 1 + Math.floor(random() * 6) }, () => pattern(random));
  const text = (random() < 0.05 ? '\xef\xbb\xbf' : '') + lines.join(random() < 0.1 ? '\r\n' : '\n');
  return Buffer.from(text + (random() < 0.5 ? '\n' : ''), 'latin1');
}

const bytes = (path: string): Buffer => Buffer.from(path, 'latin1');

/** Fills `directory` (bytes as latin1) with random entries, some with ignore files; returns how many files. */
function grow(random: Random, directory: string, depth: number): number {
  let files = 0;
  if (random() < 0.5) {
    writeFileSync(bytes(`${directory}/.gitignore`), ignoreFile(random));
    files++;
  }
  for (const name of [...NAMES, ...ODD]) {
    const path = bytes(`${directory}/${name}`);
    const dice = random();
    if (dice < 0.14) {
      writeFileSync(path, '');
      files++;
    } else if (dice < (depth === 0 ? 0.26 : 0.19) && depth < 4) {
      mkdirSync(path);
      files += grow(random, `${directory}/${name}`, depth + 1);
    } else if (dice > 0.98) {
      symlinkSync(pick(random, ['.', 'a', '..', 'nowhere']), path);
      files++;
    }
  }
  return files;
}

/** Makes `top` a repository like `empty`, some with rules of its own and some that ignore case. */
function initialize(random: Random, top: string, empty: string): void {
  cpSync(join(empty, '.git'), join(top, '.git'), { recursive: true });
  if (random() < 0.3) writeFileSync(join(top, '.git/info/exclude'), ignoreFile(random));
  let config = '[core]\n';
  if (random() < 0.3) {
    writeFileSync(join(top, '.git/global'), ignoreFile(random));
    config += `\texcludesFile = ${join(top, '.git/global')}\n`;
  }
  if (random() < 0.25) config += '\tignoreCase = true\n';
  appendFileSync(join(top, '.git/config'), config);
}

function gitFiles(top: string): string[] {
  const args = ['ls-files', '--others', '--exclude-standard', '-z'];
  const out = execFileSync('git', args, { cwd: top, maxBuffer: 1 << 28 });
  return out.toString('latin1').split('\0').slice(0, -1).sort();
}

test(`the walk finds what git finds in ${TREES} random trees`, async (t) => {
  const root = temporaryDirectory(t);
  const random = seededRandom(SEED);
  const empty = join(root, 'empty');
  execFileSync('git', ['init', '-q', '--template=', empty]);
  mkdirSync(join(empty, '.git/info'));
  let compared = 0;
  let ignored = 0;
  for (let tree = 0; tree < TREES; tree++) {
    const top = join(root, `tree-${tree}`);
    mkdirSync(top);
    const files = grow(random, top, 0);
    initialize(random, top, empty);
    const expected = gitFiles(top);
    const walked = (await collect(top)).map((entry) => decodePath(entry.path).toString('latin1')).sort();
    assert.deepEqual(walked, expected, `tree ${tree} of seed ${SEED}`);
    compared += expected.length;
    ignored += files - expected.length;
    rmSync(top, { recursive: true });
  }
  assert.ok(compared > TREES * 5 && ignored > TREES * 5, `${compared} compared, ${ignored} ignored`);
});

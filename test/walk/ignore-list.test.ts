import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { IgnoreList } from '../../src/walk/ignore-list.ts';
import { temporaryDirectory } from './temporary-tree.ts';

const PATHS = [
  'a',
  'A',
  'Ab',
  'ab',
  'aB',
  'M',
  'm',
  'Z',
  '[',
  'z:',
  'x/a',
  'x/Ab',
  'x/y/a',
  'a/b',
  'a/x/b',
  'foobar',
];
const MORE = [
  'foo/bar',
  'fooz/bar',
  'x ',
  'x',
  '#a',
  '!b',
  'a\\',
  'é',
  '-',
  ']',
  'a-c',
  '5',
  '_',
  'x/y/z/b',
  'aaab',
];
const PATTERNS = [
  '\\A',
  '\\A*',
  '\\a?',
  '[A]*',
  '[A-C]b',
  '[a-c]B',
  '[^a]',
  '[!A-Z]',
  '[[:upper:]]',
  '[[:lower:]]b',
];
const FORMS = [
  'foo**/bar',
  'foo**bar',
  '**/b',
  'a/**/b',
  'a/**',
  'a/***/b',
  '**/y/**',
  '/*',
  '*/a',
  'a\\/b',
  '**\\/b',
];
const SETS = [
  '[[:]',
  '[[:x]',
  '[]-]',
  '[]]',
  '[a-]',
  '[--9]',
  '[\\]]',
  '[[:punct:]]',
  '[[:digit:]]',
  '[[:nope:]]',
  '[a',
];
const ENDS = [
  'x\\ ',
  'x ',
  'x\\  ',
  '\\#a',
  '\\!b',
  'a\\',
  'a\\\\',
  '??',
  '?',
  '*a*b',
  '*[!b]',
  'x/y/',
  'X/Y/a',
  'É',
];

test('each pattern form decides as git does, with and without case', (t) => {
  const root = temporaryDirectory(t);
  execFileSync('git', ['init', '-q', root]);
  const paths = [...PATHS, ...MORE];
  let matched = 0;
  for (const ignoreCase of [false, true]) {
    execFileSync('git', ['-C', root, 'config', 'core.ignoreCase', String(ignoreCase)]);
    for (const pattern of [...PATTERNS, ...FORMS, ...SETS, ...ENDS]) {
      writeFileSync(join(root, '.gitignore'), pattern);
      const list = new IgnoreList(Buffer.from(pattern).toString('latin1'), 0, ignoreCase);
      const ours = paths.filter((path) => isIgnoredWithParents(list, Buffer.from(path).toString('latin1')));
      const args = ['-C', root, 'check-ignore', '--no-index', '--stdin', '-z'];
      const { status, stdout } = spawnSync('git', args, { input: paths.join('\0') });
      assert.ok(status === 0 || status === 1, `git ends with ${status}`);
      const theirs = stdout.toString();
      assert.deepEqual(ours, theirs.split('\0').slice(0, -1), `${pattern} ignoreCase=${ignoreCase}`);
      matched += ours.length;
    }
  }
  assert.ok(matched > 200, `${matched} matched`);
});

function isIgnoredWithParents(list: IgnoreList, path: string): boolean {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    if (list.match(path.slice(0, slash), path.lastIndexOf('/', slash - 1) + 1, true)) return true;
  }
  return list.match(path, path.lastIndexOf('/') + 1, false) === true;
}

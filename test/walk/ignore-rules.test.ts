import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { readGitSettings } from '../../src/walk/repository.ts';
import { temporaryDirectory, walkedPaths, writeTree } from './temporary-tree.ts';

function git(cwd: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
  return execFileSync('git', [...identity, ...args], { cwd, encoding: 'utf8', stdio: 'pipe' });
}

test('.gitignore holds outside a repository too', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, {
    '.gitignore': '*.log\n',
    'a.log': '',
    'a.ts': '',
    'd/.gitignore': '!b.log',
    'd/b.log': '',
  });
  assert.deepEqual(await walkedPaths(root), ['a.ts', 'd/b.log']);
});

test('a subdirectory of a work tree has the rules from its top down', async (t) => {
  const root = temporaryDirectory(t);
  git(root, 'init', '-q');
  writeTree(root, {
    '.gitignore': '/sub/deep/x\n*.log\n',
    '.tidemarkignore': '*.tmp\n',
    '.git/info/exclude': '/sub/deep/y\n',
    'sub/.gitignore': '!keep.log\n',
    'sub/deep/x': '',
    'sub/deep/y': '',
    'sub/deep/z': '',
    'sub/deep/a.log': '',
    'sub/deep/a.tmp': '',
    'sub/deep/keep.log': '',
  });
  assert.deepEqual(await walkedPaths(join(root, 'sub/deep')), ['keep.log', 'z']);
});

test('a root that the rules above it ignore is walked, with its own rules', async (t) => {
  const root = temporaryDirectory(t);
  git(root, 'init', '-q');
  writeTree(root, {
    '.gitignore': 'vendor/\nlib\n',
    'vendor/pack/lib/a.js': '',
    'vendor/pack/.gitignore': '*.map',
    'vendor/pack/lib/a.map': '',
  });
  assert.deepEqual(await walkedPaths(join(root, 'vendor/pack')), ['lib/a.js']);
  assert.deepEqual(await walkedPaths(root), []);
});

test('node_modules is skipped by default, unless it is the root or a rule takes it back', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, {
    'a.js': '',
    'node_modules/typescript/lib/t.js': '',
    'node_modules/typescript/node_modules/n/n.js': '',
  });
  assert.deepEqual(await walkedPaths(root), ['a.js']);
  assert.deepEqual(await walkedPaths(join(root, 'node_modules/typescript')), ['lib/t.js']);
  writeTree(root, { '.tidemarkignore': '!node_modules/\n' });
  assert.deepEqual(await walkedPaths(root), [
    'a.js',
    'node_modules/typescript/lib/t.js',
    'node_modules/typescript/node_modules/n/n.js',
  ]);
});

test('.tidemarkignore overrules .gitignore at any depth, the deeper one first', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, {
    '.gitignore': 'dist/\n',
    '.tidemarkignore': '!dist/\n!*.gen.ts\n*.big\n',
    'dist/a.js': '',
    'sub/.gitignore': '*.gen.ts\n!x.big\n',
    'sub/a.gen.ts': '',
    'sub/x.big': '',
    'sub/low/.tidemarkignore': '!y.big\n*.gen.ts\n',
    'sub/low/y.big': '',
    'sub/low/b.gen.ts': '',
  });
  assert.deepEqual(await walkedPaths(root), ['dist/a.js', 'sub/a.gen.ts', 'sub/low/y.big']);
});

test('version control and the index are never walked, not even when a rule takes them back', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, {
    '.tidemarkignore': '!.git\n!.hg/\n',
    '.hg/a': '',
    '.svn/a': '',
    '.tidemark/a': '',
    'w/.git': '',
    x: '',
  });
  mkdirSync(join(root, '.git'));
  assert.deepEqual(await walkedPaths(root), ['x']);
});

test('a repository inside has the rules that git has in it', async (t) => {
  const root = temporaryDirectory(t);
  git(root, 'init', '-q');
  mkdirSync(join(root, 'inner'));
  git(join(root, 'inner'), 'init', '-q');
  writeTree(root, {
    '.gitignore': '*.log\n',
    '.tidemarkignore': '*.tmp\n',
    'inner/.gitignore': '/own\n',
    'inner/.git/info/exclude': '/excluded\n',
    'inner/a.log': '',
    'inner/a.tmp': '',
    'inner/excluded': '',
    'inner/own': '',
    'inner/kept': '',
    'inner/sub/own': '',
    'b.log': '',
    // Called `.git`, but no repository: the rules go on.
    'fake/.git/HEAD': '',
    'fake/c.log': '',
  });
  assert.deepEqual(await walkedPaths(root), ['inner/a.log', 'inner/kept', 'inner/sub/own']);
});

test('a worktree shares info/exclude with its repository', async (t) => {
  const root = temporaryDirectory(t);
  const main = join(root, 'main');
  mkdirSync(main);
  git(main, 'init', '-q');
  git(main, 'commit', '-q', '--allow-empty', '-m', 'start');
  git(main, 'worktree', 'add', '-q', join(root, 'tree'));
  writeFileSync(join(main, '.git/info/exclude'), 'secret\n');
  writeTree(root, { 'tree/secret': '', 'tree/open': '', 'tree/sub/secret': '' });
  assert.deepEqual(await walkedPaths(join(root, 'tree')), ['open']);
  assert.deepEqual(await walkedPaths(root), ['tree/open']);
});

test('core.excludesFile comes from git, and from its default place where it is not set', async (t) => {
  const root = temporaryDirectory(t);
  const names = ['XDG_CONFIG_HOME', 'GIT_CONFIG_GLOBAL', 'GIT_CONFIG_NOSYSTEM', 'GIT_DIR', 'PATH'];
  const before = names.map((name) => process.env[name]);
  t.after(() => {
    for (const [i, name] of names.entries()) {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    }
  });
  writeTree(root, {
    'config/git/ignore': '*.default\n',
    gitconfig: '',
    'work/a.default': '',
    'work/a.set': '',
    'work/rules': '*.set\n',
  });
  const work = join(root, 'work');
  git(work, 'init', '-q');
  process.env.XDG_CONFIG_HOME = join(root, 'config');
  process.env.GIT_CONFIG_GLOBAL = join(root, 'gitconfig');
  process.env.GIT_CONFIG_NOSYSTEM = '1';
  // As in a hook of another repository; it must not be asked.
  process.env.GIT_DIR = join(root, 'elsewhere');
  assert.deepEqual(await walkedPaths(work), ['a.set', 'rules']);
  writeFileSync(join(root, 'gitconfig'), '[core]\n\texcludesFile = rules\n');
  assert.deepEqual(await walkedPaths(work), ['a.default', 'rules']);
  writeFileSync(join(root, 'gitconfig'), '[core]\n\texcludesFile =\n');
  assert.deepEqual(await walkedPaths(work), ['a.default', 'a.set', 'rules']);
  process.env.PATH = join(root, 'empty');
  assert.deepEqual(await walkedPaths(work), ['a.set', 'rules'], 'without git');
});

test('settings are read as git reads them, however they are written', async (t) => {
  const root = temporaryDirectory(t);
  git(root, 'init', '-q');
  const asked = (type: string, key: string) => {
    try {
      return git(root, 'config', `--type=${type}`, '--get', key).trim();
    } catch {
      return undefined;
    }
  };
  const config = join(root, '.git/config');
  const before = readFileSync(config, 'utf8');
  for (const text of [
    '= true',
    '= YES',
    '= on',
    '',
    '=',
    '= no',
    '= 0',
    '= 2k',
    '= maybe',
    '= false\n\tIGNORECASE = 1',
  ]) {
    writeFileSync(config, `${before}[core]\n\tignoreCase ${text}\n`);
    const { ignoreCase } = await readGitSettings(root);
    assert.equal(ignoreCase, asked('bool', 'core.ignoreCase') === 'true', text);
  }
  for (const text of ['= rules', '= ~/rules', '= "a b"', '= %(prefix)/rules', '= /x\n\texcludesfile = y']) {
    writeFileSync(config, `${before}[core]\n\texcludesFile ${text}\n`);
    const { excludesFile } = await readGitSettings(root);
    assert.equal(excludesFile, resolve(root, asked('path', 'core.excludesFile')!), text);
  }
});

test('ignoreCase overrides what git has', async (t) => {
  const root = temporaryDirectory(t);
  writeTree(root, { '.gitignore': 'BUILD\n*.LOG\n/[a-c]\n', build: '', 'a.log': '', B: '', É: '' });
  assert.deepEqual(await walkedPaths(root, { ignoreCase: true }), ['É']);
  assert.deepEqual(await walkedPaths(root, { ignoreCase: false }), ['B', 'a.log', 'build', 'É']);
});

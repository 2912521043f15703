import assert from 'node:assert/strict';
import test from 'node:test';
import { resolvePath } from '../../src/walk/resolve-path.ts';

const outside = { code: 'ERR_TIDEMARK_PATH_OUTSIDE' };

test('a path is resolved below the root, as text where it is text', () => {
  assert.equal(resolvePath('/r', 'src/é.ts', 'linux'), '/r/src/é.ts');
  assert.equal(resolvePath('/', 'a..b/...', 'linux'), '/a..b/...');
  assert.deepEqual(resolvePath('/r', 'a\\xff', 'linux'), Buffer.from([0x2f, 0x72, 0x2f, 0x61, 0xff]));
  assert.equal(resolvePath('/r', 'a\\x5cx41', 'linux'), '/r/a\\x41');
  assert.equal(resolvePath('C:\\r', 'src\\a.ts', 'win32'), 'C:\\r\\src\\a.ts');
  assert.equal(resolvePath('C:\\r', 'src/a.ts', 'win32'), 'C:\\r\\src\\a.ts');
});

test('no path leaves the root', () => {
  for (const path of [
    '/etc/passwd',
    '..',
    '../a',
    'a/../../b',
    'a/..',
    'a\0b',
    '\\x2e\\x2e/a',
    '\\x2fetc',
    'a\\x00',
  ]) {
    assert.throws(() => resolvePath('/r', path, 'linux'), outside, path);
  }
  for (const path of ['C:\\a', 'c:a', '\\a', '\\\\host\\share', '..\\a', 'a\\..\\..', '/a']) {
    assert.throws(() => resolvePath('C:\\r', path, 'win32'), outside, path);
  }
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { comparePaths, decodePath, encodePathBytes } from '../../src/walk/path-codec.ts';
import { pick, seededRandom } from './random.ts';

const PIECES = ['\\', 'x', '5c', '41', 'fF', 'a', '/', 'é', '猫', '🐈', '\ufffd', '\ue000'].map((p) =>
  Buffer.from(p),
);
const BROKEN = [
  [0xff],
  [0xc3],
  [0xe7, 0x8c],
  [0x80],
  [0xed, 0xa0, 0x80],
  [0xc0, 0xaf],
  [0xf4, 0x90, 0x80, 0x80],
];

function randomBytes(random: () => number): Buffer {
  const pieces = [...PIECES, ...BROKEN.map((b) => Buffer.from(b))];
  return Buffer.concat(Array.from({ length: Math.floor(random() * 9) }, () => pick(random, pieces)));
}

test('a name that is UTF-8 stays as it is', () => {
  for (const name of ['src/a.ts', 'été/猫🐈.c', 'back\\slash', '\\x', '\\x4', 'a\\xg0']) {
    assert.equal(encodePathBytes(Buffer.from(name), 'linux'), name);
  }
});

test('bytes that are not UTF-8, and what looks like their escape, are escaped', () => {
  assert.equal(encodePathBytes(Buffer.from([0x61, 0xff, 0xc3]), 'linux'), 'a\\xff\\xc3');
  assert.equal(encodePathBytes(Buffer.from('a\\x41'), 'linux'), 'a\\x5cx41');
  assert.equal(encodePathBytes(Buffer.from('a\\b'), 'win32'), 'a/b');
});

test('every name comes back from its encoding', () => {
  const random = seededRandom(7);
  for (let i = 0; i < 20_000; i++) {
    const bytes = randomBytes(random);
    const path = encodePathBytes(bytes, 'linux');
    assert.deepEqual(decodePath(path), bytes);
    assert.equal(Buffer.from(path).toString(), path, 'the encoded path is text');
  }
});

test('paths compare as their UTF-8 bytes', () => {
  const random = seededRandom(11);
  let differsFromUnits = 0;
  for (let i = 0; i < 20_000; i++) {
    const a = encodePathBytes(randomBytes(random), 'linux');
    const b = encodePathBytes(randomBytes(random), 'linux');
    const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
    assert.equal(Math.sign(comparePaths(a, b)), expected, JSON.stringify([a, b]));
    if (a !== b && a < b !== expected < 0) differsFromUnits++;
  }
  assert.ok(differsFromUnits > 100, 'the pairs must include some that UTF-16 orders otherwise');
});

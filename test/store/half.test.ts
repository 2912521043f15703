import assert from 'node:assert/strict';
import { test } from 'node:test';
import { util } from 'apache-arrow';
import { toHalf } from '../../src/store/half.ts';
import { seededRandom } from '../support/store-rows.ts';

const HALVES = Array.from({ length: 0x7c00 }, (_, bits) => bits);
const value = (bits: number): number => util.uint16ToFloat64(bits);

test('every 16-bit float is itself', () => {
  for (const bits of HALVES) {
    assert.equal(toHalf(value(bits)), bits);
    assert.equal(toHalf(-value(bits)), bits | 0x8000);
  }
});

test('what lies between two of them becomes the nearer one, and the even one in the middle', () => {
  const random = seededRandom(4);
  for (const bits of HALVES.slice(0, -1)) {
    const [low, high] = [value(bits), value(bits + 1)];
    const middle = (low + high) / 2;
    assert.equal(toHalf(middle), bits % 2 === 0 ? bits : bits + 1);
    // As far from the middle as a 32-bit float can tell.
    assert.equal(toHalf(low + (middle - low) * random() * 0.999), bits);
    assert.equal(toHalf(high - (high - middle) * random() * 0.999), bits + 1);
  }
});

test('what is no number, too large or too small', () => {
  assert.equal(toHalf(Number.POSITIVE_INFINITY), 0x7c00);
  assert.equal(toHalf(Number.NEGATIVE_INFINITY), 0xfc00);
  assert.equal(toHalf(65_504), 0x7bff);
  assert.equal(toHalf(65_520), 0x7c00);
  assert.equal(toHalf(1e30), 0x7c00);
  assert.equal(toHalf(Number.NaN), 0x7e00);
  assert.equal(toHalf(1e-8), 0);
  assert.equal(toHalf(-1e-30), 0x8000);
  assert.equal(toHalf(1e-45), 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directoryTerms, fileNameTerms, indexTerms, nameTerms } from '../../src/chunk/index-terms.ts';
import { nameStem, stem } from '../../src/chunk/stem.ts';

test('words of prose meet in their stems, and what is no word stays as it is', () => {
  for (const words of [
    ['connect', 'connected', 'connecting', 'connection', 'connections'],
    ['parse', 'parses', 'parsing'],
  ])
    assert.equal(new Set(words.map(stem)).size, 1, words.join());
  for (const word of ['map', 'utf8', 'read_file', 'größe', '__init__']) assert.equal(stem(word), word);
});

test('in names the noun of the doer meets the verb', () => {
  for (const words of [
    ['format', 'formats', 'formatter', 'formatting'],
    ['load', 'loader', 'loading'],
    ['parse', 'parser', 'parsing'],
    ['resolve', 'resolver'],
    ['compile', 'compiler'],
  ])
    assert.equal(new Set(words.map(nameStem)).size, 1, words.join());
  assert.notEqual(nameStem('user'), nameStem('use'));
});

test('the name of a file is that of its folder where it says nothing itself', () => {
  assert.deepEqual(fileNameTerms('src/http/retryPolicy.ts'), nameTerms('retryPolicy'));
  assert.deepEqual(fileNameTerms('src/router/mod.rs'), nameTerms('mod router'));
  assert.deepEqual(fileNameTerms('.gitignore'), nameTerms('gitignore'));
  assert.deepEqual(directoryTerms('src/http/a.ts'), nameTerms('src http'));
  assert.deepEqual(directoryTerms('a.ts'), []);
});

test('a chunk is indexed under its text, and behind marks under its names and its place', () => {
  const terms = indexTerms({
    path: 'lib/cache.rb',
    text: 'def expire(key) # drops entries',
    symbol: 'expire',
    definitions: 'method expire\nconstant TTL',
  }).split(' ');
  assert.deepEqual(terms, [
    ...['def', 'expir', 'key', 'drop', 'entri'],
    ...['/cach', './lib', '=expir', '=ttl'],
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSize, parseSize } from '../../src/memory/size.ts';

test('sizes in the units that people write', () => {
  for (const [text, bytes] of [
    ['1', 1],
    ['123456', 123_456],
    ['10b', 10],
    ['512MB', 512e6],
    ['512mb', 512e6],
    ['512 MB', 512e6],
    ['  2GB  ', 2e9],
    ['2g', 2e9],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['64KiB', 65_536],
    ['0.5k', 500],
    ['3Mi', 3 * 1024 ** 2],
    ['1T', 1e12],
    ['1.9', 1],
  ] as const) {
    assert.equal(parseSize(text), bytes, text);
  }
});

test('what is no size is refused with an example', () => {
  const texts = [
    '',
    ' ',
    'MB',
    '0',
    '0MB',
    '-1MB',
    '1e3',
    '1,5GB',
    '12XB',
    '1 G B',
    '0.1',
    'NaN',
    '.5GB',
    '1.GB',
  ];
  for (const text of [...texts, '99999999999T', '0x10', '1GB extra']) {
    assert.throws(() => parseSize(text), { code: 'ERR_TIDEMARK_SIZE', message: /512MB/ }, text);
  }
});

test('sizes are shown with three significant digits', () => {
  for (const [bytes, text] of [
    [0, '0 bytes'],
    [1, '1 bytes'],
    [999, '999 bytes'],
    [1000, '1.00 KB'],
    [9_949, '9.95 KB'],
    [9_960, '10.0 KB'],
    [99_400, '99.4 KB'],
    [99_960, '100 KB'],
    [999_499, '999 KB'],
    [999_500, '1.00 MB'],
    [1_500_000_000, '1.50 GB'],
    [123_456_789_000_000, '123 TB'],
    [1.5e16, '15000 TB'],
  ] as const) {
    assert.equal(formatSize(bytes), text);
  }
});

test('a size that is shown can be read again, within its digits', () => {
  for (let bytes = 1; bytes < 1e15; bytes = Math.ceil(bytes * 1.37)) {
    const again = parseSize(formatSize(bytes).replace(' bytes', ''));
    assert.ok(Math.abs(again - bytes) <= bytes * 0.006, `${bytes}: ${formatSize(bytes)}`);
  }
});

import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { looksBinaryFile } from '../../src/read/binary-file.ts';
import { type DecodedText, decodeWindow, looksBinary, sniffEncoding } from '../../src/read/encoding.ts';
import { seeded } from '../support/chunking.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

const PIECES = ['a', ' ', '\n', 'é', 'ß', '€', '世', '\u{1f30d}', '\u{10ffff}', '\ufeff', '\u0080'].map(
  (text) => Buffer.from(text),
);
/** A stray continuation, an overlong form, a surrogate, what is beyond Unicode, a sequence that breaks off. */
const BROKEN = [
  [0x80],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf5, 0x80],
  [0xe2, 0x82],
  [0xff],
  [0xf0, 0x9f, 0x8c],
].map((bytes) => Buffer.from(bytes));

function mixture(random: () => number, broken: boolean): Buffer {
  const parts: Buffer[] = [];
  for (let i = Math.floor(random() * 40); i >= 0; i--) {
    const from = broken && random() < 0.3 ? BROKEN : PIECES;
    parts.push(from[Math.floor(random() * from.length)]!);
  }
  return Buffer.concat(parts);
}

/** Decodes on its own terms, byte by byte: the longest valid sequence, or one byte as Latin-1. */
function reference(bytes: Buffer): { char: string; bytes: number }[] {
  const chars: { char: string; bytes: number }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const valid = [1, 2, 3, 4].find((n) => at + n <= bytes.length && isUtf8(bytes.subarray(at, at + n)));
    const length = valid ?? 1;
    const part = bytes.subarray(at, at + length);
    chars.push({ char: part.toString(valid === undefined ? 'latin1' : 'utf8'), bytes: length });
    at += length;
  }
  return chars;
}

/** Every stretch between two characters takes as many bytes as its characters do. */
function assertOffsets(decoded: DecodedText, chars: readonly { char: string; bytes: number }[]): void {
  assert.equal(decoded.text, chars.map(({ char }) => char).join(''));
  const units = [0];
  const offsets = [0];
  for (const { char, bytes } of chars) {
    units.push(units.at(-1)! + char.length);
    offsets.push(offsets.at(-1)! + bytes);
  }
  for (let from = 0; from < units.length; from++) {
    for (let to = from; to < units.length; to++) {
      assert.equal(decoded.bytesBetween(units[from]!, units[to]!), offsets[to]! - offsets[from]!);
    }
  }
  assert.equal(decoded.byteLength, offsets.at(-1));
}

test('property: UTF-8, whole or broken, keeps each byte and its offset', () => {
  const random = seeded(42);
  for (let round = 0; round < 400; round++) {
    const bytes = mixture(random, round % 2 === 1);
    assertOffsets(decodeWindow(bytes, 'utf-8', true), reference(bytes));
  }
});

test('property: a cut anywhere gives the same text in two windows as in one', () => {
  const random = seeded(43);
  for (let round = 0; round < 200; round++) {
    const broken = round % 2 === 1;
    const bytes = mixture(random, broken);
    const whole = decodeWindow(bytes, 'utf-8', true).text;
    for (let cut = 0; cut <= bytes.length; cut++) {
      const head = decodeWindow(bytes.subarray(0, cut), 'utf-8', false);
      assert.ok(head.byteLength <= cut && cut - head.byteLength <= 3);
      assert.equal(head.bytesBetween(0, head.text.length), head.byteLength);
      const tail = decodeWindow(bytes.subarray(head.byteLength), 'utf-8', true);
      assert.equal(head.text + tail.text, whole, `${bytes.toString('hex')} cut at ${cut}`);
    }
  }
});

test('property: UTF-16 of both orders, cut anywhere, odd at the end, with lone surrogates', () => {
  const random = seeded(44);
  const units = ['a', '\n', 'é', '世', '\u{1f30d}', '\ud83c', '\udf0d'];
  for (let round = 0; round < 200; round++) {
    const text = Array.from(
      { length: Math.floor(random() * 20) },
      () => units[Math.floor(random() * 7)],
    ).join('');
    const le = Buffer.from(text, 'utf16le');
    for (const encoding of ['utf-16le', 'utf-16be'] as const) {
      const bytes = encoding === 'utf-16le' ? le : Buffer.from(le).swap16();
      const whole = decodeWindow(bytes, encoding, true);
      assert.equal(whole.text, text);
      for (let from = 0; from <= text.length; from++) {
        for (let to = from; to <= text.length; to++)
          assert.equal(whole.bytesBetween(from, to), 2 * (to - from));
      }
      for (let cut = 0; cut <= bytes.length; cut++) {
        const head = decodeWindow(bytes.subarray(0, cut), encoding, false);
        assert.equal(head.bytesBetween(0, head.text.length), head.byteLength);
        const torn = text.slice(head.text.length - 1, head.text.length + 1);
        assert.doesNotMatch(torn, /^[\ud800-\udbff][\udc00-\udfff]$/, 'a pair stays together');
        const tail = decodeWindow(bytes.subarray(head.byteLength), encoding, true);
        assert.equal(head.text + tail.text, text);
      }
      const odd = decodeWindow(Buffer.concat([bytes, Buffer.from('!')]), encoding, true);
      assert.equal(odd.text, `${text}!`);
      assert.equal(odd.byteLength, bytes.length + 1);
      assert.equal(odd.bytesBetween(0, odd.text.length), bytes.length + 1);
      assert.equal(odd.bytesBetween(text.length, text.length + 1), 1);
    }
  }
});

test('byte order marks', () => {
  assert.deepEqual(sniffEncoding(Buffer.from([0xef, 0xbb, 0xbf, 0x61])), { encoding: 'utf-8', bomBytes: 3 });
  assert.deepEqual(sniffEncoding(Buffer.from([0xff, 0xfe, 0x61, 0])), { encoding: 'utf-16le', bomBytes: 2 });
  assert.deepEqual(sniffEncoding(Buffer.from([0xfe, 0xff, 0, 0x61])), { encoding: 'utf-16be', bomBytes: 2 });
  for (const head of [[], [0xef], [0xef, 0xbb], [0xff], [0x61, 0x62]]) {
    assert.deepEqual(sniffEncoding(Uint8Array.from(head)), { encoding: 'utf-8', bomBytes: 0 });
  }
});

test('what looks binary: NUL, many control characters; not escapes, Latin-1 or UTF-16 text', async (t) => {
  const directory = temporaryDirectory(t);
  const cases: [string, Buffer, boolean][] = [
    ['empty', Buffer.alloc(0), false],
    ['text', Buffer.from('plain\r\n\ttext\f'), false],
    ['one NUL', Buffer.from('text\0text'), true],
    ['controls', Buffer.from('\x01\x02text'), true],
    ['few controls', Buffer.from(`\x01${'text'.repeat(10)}`), false],
    ['terminal colours', Buffer.from('\x1b[31mred\x1b[0m'), false],
    ['latin-1', Buffer.from('caf\xe9 \xff', 'latin1'), false],
    ['utf-16 with a mark', Buffer.from('\ufefftext', 'utf16le'), false],
    ['utf-16 without one', Buffer.from('text', 'utf16le'), true],
    ['a NUL far behind', Buffer.concat([Buffer.alloc(8192, 'a'), Buffer.alloc(10)]), false],
    ['a NUL just in sight', Buffer.concat([Buffer.alloc(8191, 'a'), Buffer.alloc(10)]), true],
  ];
  for (const [name, bytes, binary] of cases) {
    assert.equal(looksBinary(bytes), binary, name);
    writeFileSync(join(directory, name), bytes);
    assert.equal(await looksBinaryFile(join(directory, name)), binary, `${name} as a file`);
  }
  assert.equal(await looksBinaryFile(join(directory, 'missing')), false);
  assert.equal(await looksBinaryFile(directory), false);
});

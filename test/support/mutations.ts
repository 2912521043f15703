import type { Draw } from './random.ts';

/** One way to spoil a file. `other` gives the bytes of another file: of the same language, or of any. */
export type Mutation = (bytes: Buffer, draw: Draw, other: (same: boolean) => Buffer) => Buffer;

const OPENERS = ['(', '[', '{', '<', '${', '#{', '((', '[[', '{{', '<<', '/*', '(*', '{-', '<!--', '#if 1\n'];
const QUOTES = ['"', "'", '`', '"""', "'''", '```', '~~~', 'r#"', 'R"x(', '[==[', '$$', '%q{', "''"];
const HEREDOCS = [
  '<<EOF\n',
  "<<-'A' <<B\n",
  '<<~X;\n',
  '<<<EOT\n',
  "@'\n",
  '@"\n',
  '$(cat <<E\n',
  '__END__\n',
];
const SPICE = [
  '\u{1f30d}',
  'e\u0301',
  '\u202e',
  '\u2028',
  '\u00a0',
  '\ufeff',
  '\u200d',
  '\ufffd',
  '\uffff',
  '\u{10ffff}',
  '世界',
  'ﬀ',
  'İ',
];
/** A stray continuation, overlong forms, a surrogate, beyond Unicode, sequences that break off. */
const INVALID = ['80', 'c0af', 'eda080', 'edb080', 'f5808080', 'e282', 'ff', 'fe', 'f09f8c', 'e9', 'c3'];
const MARKS = ['efbbbf', 'fffe', 'feff', '0000feff', 'fffe0000', '2b2f76'];
const CONTROLS = ['\0', '\0\0\0\0', '\x01', '\x0b', '\x0c', '\x1a', '\x1b[0m', '\x7f', '\x85', '\r', '\b'];

const splice = (bytes: Buffer, start: number, end: number, put: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(end)]);

const insertAt = (bytes: Buffer, draw: Draw, put: string | Uint8Array): Buffer => {
  const at = draw.chance(0.1) ? draw.pick([0, bytes.length]) : draw.below(bytes.length + 1);
  return splice(bytes, at, at, typeof put === 'string' ? Buffer.from(put, 'utf8') : put);
};

/** Inserts one of `parts` at one to some dozens of places. */
const sprinkle =
  (parts: readonly string[], encoding: BufferEncoding): Mutation =>
  (bytes, draw) => {
    let result = bytes;
    for (let left = draw.magnitude(1, 40); left > 0; left--) {
      result = insertAt(result, draw, Buffer.from(draw.pick(parts), encoding));
    }
    return result;
  };

/** In Latin-1 every byte is a character and none is lost. */
const rewrite =
  (change: (text: string, draw: Draw) => string): Mutation =>
  (bytes, draw) =>
    Buffer.from(change(bytes.toString('latin1'), draw), 'latin1');

const token = (bytes: Buffer, draw: Draw): string => {
  const at = draw.below(bytes.length + 1);
  const near = bytes.toString('latin1', at, at + 200);
  return draw.pick(near.match(/\w+|[^\w\s]+|\s+/g) ?? ['x']);
};

/** Never more than some megabytes, however long the part. */
const many = (draw: Draw, part: string): string =>
  part.repeat(Math.min(draw.magnitude(2, 100_000), Math.ceil(1_500_000 / part.length)));

export const mutations: Readonly<Record<string, Mutation>> = {
  'flip bits': (bytes, draw) => {
    const result = Buffer.from(bytes);
    for (let left = draw.magnitude(1, 200); left > 0 && result.length > 0; left--) {
      const at = draw.below(result.length);
      result[at] = result[at]! ^ (1 << draw.below(8));
    }
    return result;
  },
  'random bytes': (bytes, draw) =>
    insertAt(
      bytes,
      draw,
      Uint8Array.from({ length: draw.magnitude(1, 5000) }, () => draw.below(256)),
    ),
  delete: (bytes, draw) => splice(bytes, ...draw.range(bytes.length), Buffer.alloc(0)),
  duplicate: (bytes, draw) => {
    const [start, end] = draw.range(bytes.length, 20_000);
    const times = Math.min(draw.magnitude(1, 300), Math.ceil(1_000_000 / (end - start + 1)));
    return splice(bytes, start, start, Buffer.alloc((end - start) * times, bytes.subarray(start, end)));
  },
  move: (bytes, draw) => {
    const [start, end] = draw.range(bytes.length);
    return insertAt(splice(bytes, start, end, Buffer.alloc(0)), draw, bytes.subarray(start, end));
  },
  'splice same language': (bytes, draw, other) => mix(bytes, draw, other(true)),
  'splice other language': (bytes, draw, other) => mix(bytes, draw, other(false)),
  truncate: (bytes, draw) => bytes.subarray(0, draw.below(bytes.length + 1)),
  behead: (bytes, draw) => bytes.subarray(draw.below(bytes.length + 1)),
  'control characters': sprinkle(CONTROLS, 'latin1'),
  'invalid UTF-8': sprinkle(INVALID, 'hex'),
  'byte order marks': sprinkle(MARKS, 'hex'),
  'odd characters': sprinkle(SPICE, 'utf8'),
  quotes: sprinkle(QUOTES, 'utf8'),
  heredocs: sprinkle(HEREDOCS, 'utf8'),
  openers: sprinkle(OPENERS, 'utf8'),
  CRLF: rewrite((text) => text.replace(/\r?\n/g, '\r\n')),
  'bare CR': rewrite((text) => text.replace(/\r?\n/g, '\r')),
  'mixed line ends': rewrite((text, draw) =>
    text.replace(/\n/g, () => draw.pick(['\n', '\r\n', '\r', '\n\n'])),
  ),
  'no newlines': rewrite((text, draw) => text.replace(/\s*\n\s*/g, draw.pick(['', ' ', ';']))),
  'newlines everywhere': rewrite((text) => text.replace(/\s+/g, '\n')),
  'blank lines': rewrite((text, draw) => text.replace(/\n/g, '\n'.repeat(draw.magnitude(2, 20)))),
  'no indentation': rewrite((text) => text.replace(/^[ \t]+/gm, '')),
  'other indentation': rewrite((text, draw) =>
    text.replace(/^/gm, () => (draw.chance(0.2) ? draw.pick(['\t', ' ', '        ', '\t \t']) : '')),
  ),
  'steps to the right': rewrite((text) => {
    let depth = 0;
    return text.replace(/^/gm, () => ' '.repeat(depth++ % 600));
  }),
  'lines shuffled': rewrite((text, draw) => {
    const lines = text.split('\n');
    for (let i = lines.length - 1; i > 0; i--) {
      const j = draw.below(i + 1);
      [lines[i], lines[j]] = [lines[j]!, lines[i]!];
    }
    return lines.join('\n');
  }),
  'no closers': rewrite((text, draw) =>
    text.replace(draw.pick([/[)\]}]/g, /\}/g, /\bend\b/g, /<\/\w+>/g]), ''),
  ),
  'no openers': rewrite((text, draw) => text.replace(draw.pick([/[([{]/g, /\{/g, /<\w+>/g]), '')),
  'no white space': rewrite((text) => text.replace(/\s+/g, '')),
  'a token repeated': (bytes, draw) => insertAt(bytes, draw, many(draw, token(bytes, draw))),
  'tokens repeated': (bytes, draw) =>
    insertAt(bytes, draw, many(draw, `${token(bytes, draw)} ${token(bytes, draw)} `)),
  'unbalanced brackets': (bytes, draw) => insertAt(bytes, draw, many(draw, draw.pick(OPENERS))),
  'closing brackets': (bytes, draw) =>
    insertAt(bytes, draw, many(draw, draw.pick([')', ']', '}', '})', '*/', '>']))),
  'nested brackets': (bytes, draw) => {
    const depth = draw.magnitude(10, 200_000);
    const [open, close] = draw.pick([
      ['(', ')'],
      ['[', ']'],
      ['{', '}'],
      ['{[', ']}'],
      ['f(', ')'],
    ] as const);
    return insertAt(bytes, draw, open.repeat(depth) + close.repeat(depth));
  },
  'wrapped deeply': (bytes, draw) => {
    const depth = draw.magnitude(2, 5000);
    const [open, close] = draw.pick([
      ['{\n', '}\n'],
      ['(', ')'],
      ['[', ']'],
      ['if (x) {\n', '}\n'],
    ] as const);
    return Buffer.concat([Buffer.from(open.repeat(depth)), bytes, Buffer.from(close.repeat(depth))]);
  },
  'a very long word': (bytes, draw) =>
    insertAt(bytes, draw, many(draw, draw.pick(['a', '0', 'aB', 'f0', 'é', '世', '_']))),
  'a long stretch of white space': (bytes, draw) =>
    insertAt(bytes, draw, many(draw, draw.pick([' ', '\t', '\n', ' \n', '\r']))),
  'UTF-16LE': (bytes) => Buffer.from(`\ufeff${bytes.toString('utf8')}`, 'utf16le'),
  'UTF-16BE': (bytes) => Buffer.from(`\ufeff${bytes.toString('utf8')}`, 'utf16le').swap16(),
  'UTF-16 without a mark': (bytes) => Buffer.from(bytes.toString('utf8'), 'utf16le'),
  'Latin-1': (bytes) => Buffer.from(bytes.toString('utf8'), 'latin1'),
};

function mix(bytes: Buffer, draw: Draw, other: Buffer): Buffer {
  const [start, end] = draw.range(other.length, 100_000);
  const at = draw.range(bytes.length, 10_000);
  return splice(bytes, at[0], draw.chance(0.5) ? at[0] : at[1], other.subarray(start, end));
}

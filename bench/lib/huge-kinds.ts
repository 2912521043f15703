import { open } from 'node:fs/promises';

/** A file that is generated part by part, the same on every machine. */
export interface Kind {
  readonly name: string;
  /** Its name on disk; the extension tells tidemark the language. */
  readonly file: string;
  readonly sizes: readonly string[];
  readonly head?: string;
  readonly part: (i: number, random: () => number) => string | Buffer;
  readonly tail?: string;
}

const SIZES = ['1MB', '10MB', '100MB', '1GB'];
const HOSTILE_SIZES = ['1MB', '10MB', '100MB'];

/** What people really have: dumps, bundles, tables. */
export const HUGE: readonly Kind[] = [
  {
    name: 'JSON on one line',
    file: 'one-line.json',
    sizes: [...SIZES, '5GB'],
    head: '{"users":[{"id":-1}',
    part: (i, random) =>
      `,{"id":${i},"name":"user${random() % 9999}","tags":["a${i % 7}","b"],"geo":{"lat":${i / 7},"lng":-${i}}}`,
    tail: ']}',
  },
  {
    name: 'minified JavaScript',
    file: 'bundle.min.js',
    sizes: ['1MB', '10MB', '100MB', '2GB'],
    head: '!function(){"use strict";',
    part: (i, random) =>
      `function f${i}(e,t){var n=e.a${random() % 99}||[];for(var r=0;r<n.length;r++)if(n[r]===t)return{i:r,v:n[r]};return null}var g${i}=f${i}({},${i});`,
    tail: '}();',
  },
  {
    name: 'SQL dump',
    file: 'dump.sql',
    sizes: SIZES,
    head: 'CREATE TABLE users (id int, name text, note text);\n',
    part: (i, random) =>
      `INSERT INTO users VALUES (${i}, 'user ${random() % 9999}', 'some note that is ${i % 13} long');\n`,
  },
  {
    name: 'CSV',
    file: 'table.csv',
    sizes: SIZES,
    head: 'id,name,amount,note\n',
    part: (i, random) => `${i},user ${random() % 9999},${(random() % 10000) / 100},"note, with comma"\n`,
  },
  {
    name: 'C array',
    file: 'table.c',
    sizes: ['1MB', '10MB', '100MB', '500MB'],
    head: 'static const unsigned int table[] = {\n',
    part: (_, random) =>
      `  0x${random().toString(16)}, 0x${random().toString(16)}, 0x${random().toString(16)},\n`,
    tail: '};\n',
  },
  {
    name: 'random bytes named .ts',
    file: 'random.ts',
    sizes: SIZES,
    part: (_, random) => Buffer.from(Uint32Array.from({ length: 1024 }, random).buffer),
  },
];

/** What breaks parsers: each of these takes some parser quadratic time, or stops it with a trap. */
const HOSTILE: readonly Kind[] = [
  {
    name: 'brackets a million deep',
    file: 'brackets.js',
    sizes: HOSTILE_SIZES,
    part: () => `${'['.repeat(1e6)}${']'.repeat(1e6)};\n`,
  },
  {
    name: 'brackets that never close',
    file: 'open.json',
    sizes: HOSTILE_SIZES,
    part: (i) => `[{"a${i}":`,
  },
  {
    name: 'Go files, cut and joined',
    file: 'joined.go',
    sizes: HOSTILE_SIZES,
    part: (i, random) => {
      const file = `package p${i}\n\nimport (\n\t"fmt"\n\t"os"\n)\n\ntype T${i} struct {\n\tA, B int\n}\n\nfunc (t *T${i}) Run(x int) (int, error) {\n\tif x > ${i} {\n\t\treturn 0, fmt.Errorf("x is %d", x)\n\t}\n\tfor _, a := range os.Args {\n\t\tt.A += len(a)\n\t}\n\treturn t.A, nil\n}\n\n`;
      return file.slice(0, (random() >>> 8) % file.length);
    },
  },
  {
    name: 'HTML that never closes',
    file: 'open.html',
    sizes: HOSTILE_SIZES,
    part: (i) => `<div class="c${i % 9}"><p>text ${i} <b>bold\n`,
  },
  {
    name: 'JavaScript named .scala',
    file: 'bundle.scala',
    sizes: HOSTILE_SIZES,
    part: (i) =>
      `function f${i}(e,t){var n=e.a||[];for(var r=0;r<n.length;r++)if(n[r]===t)return{i:r};return null}`,
  },
  {
    name: 'quotes a thousand deep',
    file: 'quotes.md',
    sizes: HOSTILE_SIZES,
    part: (i) => `${'> '.repeat(1000)}line ${i}\n`,
  },
];

export const KINDS: readonly Kind[] = [...HUGE, ...HOSTILE];

/** Writes at least `size` bytes of a kind to `path`; 0 gives its head and tail alone. */
export async function generate(kind: Kind, path: string, size: number): Promise<void> {
  const random = generator();
  const file = await open(path, 'w');
  try {
    let written = (await file.write(kind.head ?? '')).bytesWritten;
    for (let i = 0; written < size; ) {
      const parts: Buffer[] = [];
      for (let n = 0; n < 1 << 20 && written + n < size; i++) {
        const part = kind.part(i, random);
        const bytes = typeof part === 'string' ? Buffer.from(part) : part;
        parts.push(bytes);
        n += bytes.length;
      }
      written += (await file.write(Buffer.concat(parts))).bytesWritten;
    }
    await file.write(kind.tail ?? '');
  } finally {
    await file.close();
  }
}

/** A linear congruential generator of 32 bits: the same files on every machine. */
function generator(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}

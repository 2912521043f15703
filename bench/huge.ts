/**
 * Chunks generated files of growing size and samples memory from outside: the curve has to be flat. `npm run bench:huge`;
 * BENCH_SIZES=100MB,1GB sets the sizes, BENCH_KINDS the files. Results: bench/results/huge.json and huge.svg.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseSize } from '../src/memory/size.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { OutsideSampler } from './lib/sampler.ts';
import { table } from './lib/table.ts';

const CLI = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const SIZES = (process.env.BENCH_SIZES ?? '30MB,100MB,300MB').split(',').map(parseSize);
const LIMIT_MB = 250;

interface Kind {
  readonly name: string;
  readonly file: string;
  readonly head: string;
  readonly part: (i: number) => string | Buffer;
  readonly tail: string;
}

/** A small linear congruential generator: the same files on every machine. */
let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state;
};

const KINDS: readonly Kind[] = [
  {
    name: 'JSON on one line',
    file: 'one-line.json',
    head: '{"users":[{"id":-1}',
    part: (i) =>
      `,{"id":${i},"name":"user${random() % 9999}","tags":["a${i % 7}","b"],"geo":{"lat":${i / 7},"lng":-${i}}}`,
    tail: ']}',
  },
  {
    name: 'minified JavaScript',
    file: 'bundle.min.js',
    head: '!function(){"use strict";',
    part: (i) =>
      `function f${i}(e,t){var n=e.a${random() % 99}||[];for(var r=0;r<n.length;r++)if(n[r]===t)return{i:r,v:n[r]};return null}var g${i}=f${i}({},${i});`,
    tail: '}();',
  },
  {
    name: 'SQL dump',
    file: 'dump.sql',
    head: 'CREATE TABLE users (id int, name text, note text);\n',
    part: (i) =>
      `INSERT INTO users VALUES (${i}, 'user ${random() % 9999}', 'some note that is ${i % 13} long');\n`,
    tail: '',
  },
  {
    name: 'CSV',
    file: 'table.csv',
    head: 'id,name,amount,note\n',
    part: (i) => `${i},user ${random() % 9999},${(random() % 10000) / 100},"note, with comma"\n`,
    tail: '',
  },
  {
    name: 'C array',
    file: 'table.c',
    head: 'static const unsigned int table[] = {\n',
    part: () => `  0x${random().toString(16)}, 0x${random().toString(16)}, 0x${random().toString(16)},\n`,
    tail: '};\n',
  },
  {
    name: 'random bytes named .ts',
    file: 'random.ts',
    head: '',
    part: () => Buffer.from(Uint32Array.from({ length: 1024 }, random).buffer),
    tail: '',
  },
];

async function generate(kind: Kind, path: string, size: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    let written = (await file.write(kind.head)).bytesWritten;
    for (let i = 0; written < size; ) {
      const parts: Buffer[] = [];
      for (let n = 0; n < 1 << 20; i++) {
        const part = Buffer.from(kind.part(i) as string);
        parts.push(part);
        n += part.length;
      }
      written += (await file.write(Buffer.concat(parts))).bytesWritten;
    }
    await file.write(kind.tail);
  } finally {
    await file.close();
  }
}

interface Chunked {
  readonly bytes: number;
  readonly chunks: number;
  /** Bytes between chunks: white space, if all is well. */
  readonly gaps: number;
  readonly seconds: number;
  readonly peakBytes: number;
}

async function chunk(path: string): Promise<Chunked> {
  const started = performance.now();
  const child = spawn(process.execPath, [CLI, 'chunks', path, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const sampler = new OutsideSampler(child.pid!);
  const ended = new Promise((resolve) => child.on('close', resolve));
  let chunks = 0;
  let end = 0;
  let gaps = 0;
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
    const { startByte, endByte } = JSON.parse(line) as { startByte: number; endByte: number };
    chunks++;
    gaps += startByte - end;
    end = endByte;
  }
  const code = await ended;
  sampler.stop();
  if (code !== 0) throw new Error(`tidemark chunks ${path} ended with ${code}`);
  return {
    bytes: end,
    chunks,
    gaps,
    seconds: (performance.now() - started) / 1000,
    peakBytes: sampler.peakBytes,
  };
}

const wanted = process.env.BENCH_KINDS?.split(',');
const dir = join(tmpdir(), 'tidemark-bench-huge');
mkdirSync(dir, { recursive: true });
const rows: (string | number)[][] = [['file', 'MB', 'chunks', 'MB/s', 'peak MB', 'MB of memory per GB']];
const results: { kind: string; runs: Chunked[]; slope: number }[] = [];
for (const kind of KINDS.filter(({ file }) => wanted === undefined || wanted.includes(file))) {
  const runs: Chunked[] = [];
  for (const size of SIZES) {
    const path = join(dir, kind.file);
    await generate(kind, path, size);
    runs.push(await chunk(path));
    rmSync(path);
  }
  const first = runs[0]!;
  const last = runs.at(-1)!;
  const slope = ((last.peakBytes - first.peakBytes) / 1e6) * (1e9 / Math.max(1, last.bytes - first.bytes));
  results.push({ kind: kind.name, runs, slope });
  for (const run of runs) {
    rows.push([
      kind.name,
      Math.round(run.bytes / 1e6),
      run.chunks,
      Number((run.bytes / 1e6 / run.seconds).toFixed(2)),
      Math.round(run.peakBytes / 1e6),
      run === last && run !== first ? Number(slope.toFixed(1)) : '',
    ]);
  }
}
rmSync(dir, { recursive: true, force: true });
console.log(table(rows));
const out = new URL('./results/', import.meta.url);
writeFileSync(
  new URL('huge.json', out),
  `${JSON.stringify({ environment: environment(), results }, null, 1)}\n`,
);
writeFileSync(
  new URL('huge.svg', out),
  await lineChart({
    title: 'Peak memory of tidemark chunks over the size of the file',
    xTitle: 'MB of input',
    yTitle: 'MB',
    series: results.map(({ kind, runs }) => ({
      name: kind,
      points: runs.map(({ bytes, peakBytes }) => [bytes / 1e6, peakBytes / 1e6] as const),
    })),
    mark: { value: LIMIT_MB, label: `${LIMIT_MB} MB` },
  }),
);

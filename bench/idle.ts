/**
 * A program with an index open that has nothing to do: its memory, all processes together, while it searches and for the
 * two minutes after. `npm run bench:idle`. Results: bench/results/idle.json and idle.svg.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ALLOCATOR } from '../src/cli/process-settings.ts';
import { openIndex, type Summary } from '../src/index.ts';
import { compileChild } from './lib/child-script.ts';
import { CORPORA, npmPackage } from './lib/corpora.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { OutsideSampler } from './lib/sampler.ts';
import { table } from './lib/table.ts';

const MEMORY = '1GB';
const QUERIES = 300;
const REST_SECONDS = 75;
const MARK_BYTES = 150e6;
const LIBRARY = new URL('../dist/src/index.js', import.meta.url).href;
const DIR = join(CORPORA, 'idle');
/** As it comes, and as the README tells a library's user to start Node. */
const SETTINGS: Record<string, Record<string, string>> = {
  'as it comes': {},
  'with the settings': ALLOCATOR,
};

interface Run {
  readonly settings: string;
  /** Bytes at the end of each stretch; of the searches the most. */
  readonly opened: number;
  readonly searching: number;
  readonly idle: number;
  /** Milliseconds of the first search after the rest, and of one a little later. */
  readonly first: number;
  readonly later: number;
  readonly curve: readonly (readonly [number, number])[];
}

async function run(settings: string, script: string, tree: string): Promise<Run> {
  const args = [script, LIBRARY, tree, MEMORY, String(QUERIES), String(REST_SECONDS)];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...SETTINGS[settings] },
  });
  const sampler = new OutsideSampler(child.pid!, 50);
  const at: Record<string, number> = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, value] = line.split(' ') as [string, string?];
    at[what] = value === undefined || what === 'asked' ? sampler.bytes : Number(value);
    if (what === 'idle') at.most = sampler.peakBytes;
  }
  sampler.stop();
  const { searching: opened, most: searching, asked: idle, first, later } = at as Record<string, number>;
  if (idle === undefined || later === undefined) throw new Error('the program did not come to its end');
  return {
    settings,
    opened: opened!,
    searching: searching!,
    idle,
    first: first!,
    later,
    curve: sampler.curve,
  };
}

const base = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
const runs: Run[] = [];
let summary: Summary | undefined;
try {
  mkdirSync(DIR, { recursive: true });
  writeFileSync(join(DIR, 'package.json'), '{ "type": "module" }\n');
  const script = compileChild('idle-child', DIR);
  cpSync(join(npmPackage('effect@3.22.4').dir, 'src'), base, { recursive: true });
  await using index = await openIndex(base);
  for await (const event of index.update({ embed: false }))
    if (event.type === 'done') summary = event.summary;
  // So many vectors that queries are embedded, too.
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20_000);
  try {
    for await (const _ of index.update({ signal: stop.signal }));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  for (const settings of Object.keys(SETTINGS)) runs.push(await run(settings, script, base));
} finally {
  rmSync(base, { recursive: true, force: true });
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
process.stdout.write(
  `${table([
    ['', 'opened, MB', 'searching, MB', 'after a minute, MB', 'first search after it, ms', 'later, ms'],
    ...runs.map(({ settings, opened, searching, idle, first, later }) => [
      settings,
      megabytes(opened),
      megabytes(searching),
      megabytes(idle),
      first.toFixed(0),
      later.toFixed(0),
    ]),
  ])}\n`,
);
const folder = new URL('./results/', import.meta.url);
const chunks = summary!.chunks.written;
writeFileSync(
  new URL('idle.json', folder),
  `${JSON.stringify({ environment: environment(), memory: MEMORY, queries: QUERIES, chunks, runs }, null, 1)}\n`,
);
writeFileSync(
  new URL('idle.svg', folder),
  await lineChart({
    title: 'Memory of a program with an open index',
    xTitle: 'seconds',
    yTitle: 'resident set, MB',
    series: runs.map(({ settings, curve }) => ({
      name: settings,
      points: curve.map(([second, bytes]) => [second, bytes / 1e6] as const),
    })),
    mark: { value: MARK_BYTES / 1e6, label: '150 MB' },
  }),
);

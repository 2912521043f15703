/**
 * Memory taken away from outside: `tidemark index` runs in a control group of 600 MB in which another process takes more and
 * more. What it does, whether the kernel kills it, and whether the next run completes the index. `npm run bench:pressure`; needs root
 * for the group. Results: bench/results/pressure.json.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openIndex } from '../src/index.ts';
import { Cgroup } from './lib/cgroup.ts';
import { makeGateTree } from './lib/gate/gate-tree.ts';
import { indexRun } from './lib/index-run.ts';
import { environment } from './lib/machine.ts';
import { table } from './lib/table.ts';

const LIMIT_MB = 600;
const MEMORY = '512MB';
const FILES = 40;
const STEP_MB = 10;
/** What the other process takes in the end, and how fast. */
interface Taken {
  readonly takenMB: number;
  readonly megabytesASecond: number;
}
const CASES: readonly Taken[] = [
  { takenMB: 0, megabytesASecond: 25 },
  { takenMB: 400, megabytesASecond: 25 },
  { takenMB: 440, megabytesASecond: 25 },
  { takenMB: 480, megabytesASecond: 25 },
  { takenMB: 480, megabytesASecond: 100 },
];

interface Row extends Taken {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly steps: readonly string[];
  readonly embedded: number;
  readonly pending: number;
  readonly peakBytes: number;
  /** Processes of the group, the other one among them, that the kernel killed meanwhile. */
  readonly kills: number;
  /** Of the run after it, with nobody else in the group. */
  readonly next: { readonly code: number | null; readonly damaged: number };
}

function other({ takenMB, megabytesASecond }: Taken, [program, ...args]: string[]): ChildProcess {
  const script = `const held = [];
    const timer = setInterval(() => {
      if (held.length * ${STEP_MB} >= ${takenMB}) clearInterval(timer);
      else held.push(Buffer.alloc(${STEP_MB}e6, 1));
    }, ${(1000 * STEP_MB) / megabytesASecond});
    setInterval(() => held, 1e6);`;
  return spawn(program!, [...args, process.execPath, '-e', script], { stdio: 'inherit' });
}

async function measure(tree: string, index: string, taken: Taken): Promise<Row> {
  using group = new Cgroup(`tidemark-pressure-${process.pid}`, LIMIT_MB * 1e6);
  const { wrapper } = group;
  const hog = other(taken, wrapper);
  const gone = new Promise((resolve) => hog.once('exit', resolve));
  const options = { tree, index, memory: MEMORY, embed: true, wrapper };
  const { code, signal, steps, samples } = await indexRun(options);
  const { kills } = group;
  hog.kill('SIGKILL');
  await gone;
  await using opened = await openIndex(tree, { index });
  const { files, chunks, coverage } = await opened.status();
  const next = await indexRun(options);
  const { damage } = await opened.verify();
  if (files.pending + files.embedded === 0) throw new Error('nothing was indexed');
  return {
    ...taken,
    code,
    signal,
    steps: steps.map(({ step }) => step),
    embedded: Math.round(coverage * chunks),
    pending: Math.round((1 - coverage) * chunks),
    kills,
    peakBytes: Math.max(...samples.map(({ pss }) => pss)),
    next: { code: next.code, damaged: damage.reduce((sum, { count }) => sum + count, 0) },
  };
}

const base = mkdtempSync(join(tmpdir(), 'tidemark-pressure-'));
const rows: Row[] = [];
try {
  const tree = join(base, 'tree');
  makeGateTree(tree, FILES);
  for (const [i, taken] of CASES.entries()) rows.push(await measure(tree, join(base, `index-${i}`), taken));
} finally {
  rmSync(base, { recursive: true, force: true });
}
process.stdout.write(
  `${table([
    [
      'taken by another, MB',
      'MB a second',
      'ended with',
      'killed by the kernel, the other included',
      'steps',
      'peak MB',
      'embedded',
      'pending',
      'next run',
      'damaged',
    ],
    ...rows.map(
      ({ takenMB, megabytesASecond, code, signal, steps, kills, peakBytes, embedded, pending, next }) => [
        takenMB,
        megabytesASecond,
        signal ?? `exit code ${code}`,
        kills,
        [...new Set(steps)].join(', ') || 'none',
        Math.round(peakBytes / 1e6),
        embedded,
        pending,
        `exit code ${next.code}`,
        next.damaged,
      ],
    ),
  ])}\n`,
);
writeFileSync(
  new URL('./results/pressure.json', import.meta.url),
  `${JSON.stringify({ environment: environment(), limitMB: LIMIT_MB, memory: MEMORY, files: FILES, rows }, null, 1)}\n`,
);

/**
 * What goes wrong with an index, done to `tidemark index` on purpose: what the user sees, whether search still answers,
 * what the next run takes to be whole again, and what was lost: the index is compared row by row with one that nothing
 * happened to. `npm run bench:store-faults`; takes Linux and root (it mounts, and makes a machine of another name).
 * Results: bench/results/store-faults.json and store-faults.md.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { ALLOCATOR } from '../src/cli/process-settings.ts';
import { copySources, exportIndex } from '../test/support/index-runs.ts';
import { writeTinyModel } from '../test/support/tiny-model.ts';
import { environment } from './lib/machine.ts';

const CLI = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
/** For how long a holder of the lock on another machine may be silent, and some more. */
const TAKEN_FOR_DEAD_MS = 65_000;

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
  readonly seconds: number;
}

interface Fault {
  readonly name: string;
  /** Begin with a whole index of the tree as it was. */
  readonly indexed?: boolean;
  readonly cause?: (index: string) => void;
  /** The time from the start of the run to the fault, as a share of what an undisturbed run takes. */
  readonly after?: number;
  readonly disturb?: (child: ChildProcess, start: () => Promise<Outcome>) => Promise<void> | void;
  readonly mend?: (index: string) => void;
  /** In place of the run: what a damage shows is asked of `status --verify`, and mended by `--repair` first. */
  readonly repair?: boolean;
  /** The index is on a disk of its own, of so many bytes. */
  readonly disk?: number;
}

const kill = (child: ChildProcess): void => {
  // What has ended by itself was not disturbed: its exit code will tell.
  if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL');
};
const tablesOf = (index: string) =>
  join(index, readdirSync(index).find((name) => name.startsWith('tables-'))!);
const newest = (dir: string) => join(dir, execFileSync('ls', ['-t', dir]).toString().split('\n')[0]!);
const largest = (dir: string) => {
  const sizes = readdirSync(dir).map((name) => [
    execFileSync('stat', ['-c', '%s', join(dir, name)]).toString(),
    name,
  ]);
  return join(dir, sizes.sort((a, b) => Number(b[0]) - Number(a[0]))[0]![1]!);
};

const FAULTS: readonly Fault[] = [
  ...[0.3, 0.5, 0.7, 0.9].map(
    (after): Fault => ({
      name: `killed after ${after * 100} % of its time`,
      after,
      disturb: kill,
    }),
  ),
  {
    name: 'killed while it updates an index',
    indexed: true,
    after: 0.5,
    disturb: kill,
  },
  { name: 'the disk is full', disk: 600_000, mend: (index) => remount(index, 'size=500m') },
  {
    name: 'the directory cannot be written',
    indexed: true,
    disk: 500_000_000,
    cause: (index) => remount(index, 'ro'),
    mend: (index) => remount(index, 'rw'),
  },
  {
    name: 'a second writer comes',
    after: 0.5,
    disturb: async (_, start) => {
      second = await start();
    },
  },
  {
    name: 'the machine sleeps for five seconds',
    after: 0.5,
    disturb: async (child) => {
      process.kill(-child.pid!, 'SIGSTOP');
      await sleep(5000);
      process.kill(-child.pid!, 'SIGCONT');
    },
  },
  {
    name: 'it sleeps so long that another machine takes over',
    after: 0.5,
    disturb: async (child) => {
      process.kill(-child.pid!, 'SIGSTOP');
      await sleep(TAKEN_FOR_DEAD_MS);
      second = await elsewhere();
      process.kill(-child.pid!, 'SIGCONT');
    },
  },
  {
    name: 'the newest version of a table is gone',
    indexed: true,
    repair: true,
    cause: (index) => rmSync(newest(join(tablesOf(index), 'chunks.lance/_versions'))),
  },
  {
    name: 'a data file is gone',
    indexed: true,
    repair: true,
    cause: (index) => rmSync(largest(join(tablesOf(index), 'chunks.lance/data'))),
  },
  {
    name: 'a data file is cut off',
    indexed: true,
    repair: true,
    cause: (index) => truncateSync(largest(join(tablesOf(index), 'files.lance/data')), 100),
  },
  {
    name: 'the metadata are garbage',
    indexed: true,
    cause: (index) => writeFileSync(join(index, 'meta.json'), '{'),
  },
];

let second: Outcome | null = null;
let elsewhere: () => Promise<Outcome>;

function remount(index: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, index]);
}

function start(args: readonly string[], wrapper: readonly string[] = []): ChildProcess {
  const [program, ...rest] = [...wrapper, process.execPath, CLI, ...args] as [string, ...string[]];
  return spawn(program, rest, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...ALLOCATOR },
  });
}

async function outcome(child: ChildProcess): Promise<Outcome> {
  const started = performance.now();
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  return { code: await closed, stderr, seconds: (performance.now() - started) / 1000 };
}

const run = (...args: string[]) => outcome(start(args));
/** What a person reads, without the progress. */
const lines = ({ stderr }: Outcome, base: string) =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('tidemark:'))
    .join(' ')
    .replaceAll(base, '');

interface Row {
  readonly fault: string;
  readonly exitCode: number | null;
  readonly sees: string;
  readonly search: string;
  readonly next: string;
  readonly seconds: number;
  readonly lost: string;
}

async function measure(fault: Fault, freshSeconds: number, expected: unknown, source: string): Promise<Row> {
  const base = mkdtempSync(join(tmpdir(), 'tidemark-faults-'));
  const [tree, model] = [join(base, 'tree'), join(base, 'model')];
  const index = join(tree, '.tidemark');
  second = null;
  try {
    mkdirSync(model);
    writeTinyModel(model);
    cpSync(source, tree, { recursive: true });
    if (fault.disk !== undefined) {
      mkdirSync(index);
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${fault.disk}`, 'tmpfs', index]);
    }
    const args = ['index', tree, '--json', '--model', model];
    elsewhere = () =>
      outcome(
        start(args, [
          'unshare',
          '--uts',
          '--pid',
          '--fork',
          '--mount-proc',
          'sh',
          '-c',
          'hostname elsewhere; exec "$@"',
          'sh',
        ]),
      );
    if (fault.indexed) {
      const [first] = readdirSync(join(tree, 'commander/lib'));
      rmSync(join(tree, 'commander/lib', first!));
      const before = await run(...args);
      if (before.code !== 0) throw new Error(before.stderr);
      if (!fault.repair) cpSync(source, tree, { recursive: true });
      else {
        cpSync(join(source, 'commander/lib', first!), join(tree, 'commander/lib', first!));
        const all = await run(...args);
        if (all.code !== 0) throw new Error(all.stderr);
      }
    }
    fault.cause?.(index);
    const child = start(fault.repair ? ['status', tree, '--verify'] : args);
    const ended = outcome(child);
    if (fault.disturb !== undefined) {
      await sleep(fault.after! * freshSeconds * 1000);
      await fault.disturb(child, () => run(...args));
    }
    const faulty = await ended;
    const sees = [
      lines(faulty, base),
      second === null ? '' : `the other: exit code ${(second as Outcome).code} ${lines(second, base)}`,
    ];
    const search = existsSync(join(index, 'meta.json'))
      ? await run('search', 'parse option', tree, '--mode', 'lexical')
      : null;
    fault.mend?.(index);
    const began = performance.now();
    const steps: string[] = [];
    if (fault.repair) steps.push(`status --repair: ${(await run('status', '--repair', tree)).code}`);
    let next = await run(...args);
    steps.push(`index: ${next.code}`);
    if (next.code === 1 && /rebuild with/.test(next.stderr)) {
      const cleaned = await run('clean', tree);
      next = await run(...args);
      steps.push(`clean: ${cleaned.code}`, `index: ${next.code}`);
    }
    const seconds = (performance.now() - began) / 1000;
    const verified = await run('status', '--verify', tree);
    const found = await exportIndex(tree).catch((error: unknown) => String(error));
    const row: Row = {
      fault: fault.name,
      exitCode: faulty.code,
      sees: sees
        .filter((part) => part !== '')
        .join('; ')
        .trim(),
      search: search === null ? 'no index yet' : search.code === 0 ? 'answers' : lines(search, base),
      next: steps.join(', '),
      seconds,
      lost:
        verified.code === 0 && isDeepStrictEqual(found, expected)
          ? 'nothing'
          : `${lines(verified, base)} not as it should be`,
    };
    process.stderr.write(`${JSON.stringify(row)}\n`);
    return row;
  } finally {
    if (fault.disk !== undefined) execFileSync('umount', ['-l', index]);
    rmSync(base, { recursive: true, force: true });
  }
}

const source = mkdtempSync(join(tmpdir(), 'tidemark-faults-source-'));
try {
  copySources(source, { 'apache-arrow/builder': 60, 'apache-arrow/fb': 120, 'commander/lib': 6 });
  const calm = join(source, '..', `${source}-calm`);
  cpSync(source, calm, { recursive: true });
  const model = join(`${source}-model`);
  mkdirSync(model);
  writeTinyModel(model);
  const fresh = await run('index', calm, '--json', '--model', model);
  if (fresh.code !== 0) throw new Error(fresh.stderr);
  const expected = await exportIndex(calm);
  rmSync(calm, { recursive: true });
  const wanted = process.env.BENCH_FAULTS;
  const rows: Row[] = [];
  for (const fault of FAULTS)
    if (wanted === undefined || fault.name.includes(wanted))
      rows.push(await measure(fault, fresh.seconds, expected, source));
  rmSync(model, { recursive: true });
  const cell = (value: string) => (value === '' ? '-' : value.replaceAll('|', '\\|'));
  const markdown = [
    `| fault | exit code | what the user sees | search meanwhile | how it is mended | seconds (a fresh index: ${fresh.seconds.toFixed(1)}) | lost |`,
    '|---|---|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.fault} | ${row.exitCode ?? 'killed'} | ${cell(row.sees)} | ${cell(row.search)} | ${cell(row.next)} | ${row.seconds.toFixed(1)} | ${cell(row.lost)} |`,
    ),
    '',
  ].join('\n');
  process.stdout.write(markdown);
  if (wanted === undefined) {
    const out = new URL('./results/', import.meta.url);
    const report = { environment: environment(), freshSeconds: fresh.seconds, rows };
    writeFileSync(new URL('store-faults.json', out), `${JSON.stringify(report, null, 1)}\n`);
    writeFileSync(new URL('store-faults.md', out), markdown);
  }
} finally {
  rmSync(source, { recursive: true, force: true });
}

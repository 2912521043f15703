/**
 * Chunks generated files of growing size through the command line: memory has to be flat and time linear.
 * `npm run bench:huge`; BENCH_KINDS=one-line.json,table.c takes some of the files, BENCH_SIZES=1MB,10MB other sizes (a
 * trial: nothing is written). A kind's results replace its last ones in bench/results/huge.json; huge.svg shows all.
 * The largest file takes 5 GB of the temporary directory while it is chunked.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatSize, parseSize } from '../src/memory/size.ts';
import { ChunkLineReader, CoverageCheck } from './lib/coverage.ts';
import { endedChildrenCpuSeconds } from './lib/cpu.ts';
import { generate, KINDS, type Kind } from './lib/huge-kinds.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { OutsideSampler } from './lib/sampler.ts';
import { slope } from './lib/slope.ts';
import { table } from './lib/table.ts';

const CLI = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const RESULTS = fileURLToPath(new URL('./results/huge.json', import.meta.url));
/** What the peak must stay under, and how much of it may come from the size of the input. */
const PEAK_LIMIT = 250e6;
const GROWTH_LIMIT = 25e6;
/** From here on memory has to be flat; below, the heaps are still filling. */
const FLAT_FROM = 100e6;
/** How much more a MB of the largest file may take than one of a small file; the rest is noise. */
const LINEAR_LIMIT = 1.5;
const LINEAR_FROM = 10e6;

interface Run {
  readonly bytes: number;
  readonly chunks: number;
  /** Bytes of JSON lines that came out. */
  readonly outputBytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly covered: boolean;
  /** Bytes that are in no chunk though they are no white space. */
  readonly missed: number;
}

interface Result {
  readonly name: string;
  /** A file of the kind with nothing in it: the start of the process and the load of the grammar. */
  readonly startCpuSeconds: number;
  readonly runs: readonly Run[];
  /** Bytes of peak memory that a further byte of input takes, from 100 MB on; null where there are not two such runs. */
  readonly memorySlope: number | null;
  /** CPU time a MB of the largest file against that of the smallest from 10 MB on, less the start. */
  readonly timeRatio: number | null;
  readonly verdict: string;
  readonly environment: ReturnType<typeof environment>;
}

async function chunk(path: string): Promise<Run> {
  const coverage = new CoverageCheck(path);
  try {
    const cpuBefore = endedChildrenCpuSeconds();
    const started = performance.now();
    const child = spawn(process.execPath, [CLI, 'chunks', path, '--json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const sampler = new OutsideSampler(child.pid!);
    const reader = new ChunkLineReader((start, end) => coverage.add(start, end));
    child.stdout.on('data', (data: Buffer) => reader.push(data));
    const code = await new Promise((resolve) => child.on('close', resolve));
    const seconds = (performance.now() - started) / 1000;
    sampler.stop();
    if (code !== 0) throw new Error(`tidemark chunks ${path} ended with ${code}`);
    return {
      bytes: coverage.finish(),
      chunks: coverage.chunks,
      outputBytes: reader.bytes,
      seconds,
      cpuSeconds: endedChildrenCpuSeconds() - cpuBefore,
      peakBytes: sampler.peakBytes,
      covered: coverage.ok,
      missed: coverage.missed,
    };
  } finally {
    coverage.close();
  }
}

function judge(name: string, startCpuSeconds: number, runs: readonly Run[]): Result {
  const flat = runs.filter(({ bytes }) => bytes >= FLAT_FROM * 0.99);
  const memorySlope = slope(flat.map(({ bytes, peakBytes }) => [bytes, peakBytes]));
  const linear = runs.filter(({ bytes }) => bytes >= LINEAR_FROM * 0.99);
  const perByte = (run: Run) => (run.cpuSeconds - startCpuSeconds) / run.bytes;
  const timeRatio = linear.length < 2 ? null : perByte(linear.at(-1)!) / perByte(linear[0]!);
  const peak = Math.max(...runs.map(({ peakBytes }) => peakBytes));
  const growth = memorySlope === null ? 0 : memorySlope * (flat.at(-1)!.bytes - flat[0]!.bytes);
  const faults = [
    ...(runs.every(({ covered }) => covered) ? [] : ['bytes are missing']),
    ...(peak < PEAK_LIMIT ? [] : [`peak above ${formatSize(PEAK_LIMIT)}`]),
    ...(growth < GROWTH_LIMIT ? [] : ['memory grows']),
    ...((timeRatio ?? 0) < LINEAR_LIMIT ? [] : ['slower than linear']),
  ];
  const verdict = faults.length === 0 ? 'good' : faults.join(', ');
  return { name, startCpuSeconds, runs, memorySlope, timeRatio, verdict, environment: environment() };
}

async function measure(kind: Kind, sizes: readonly number[], dir: string): Promise<Result> {
  const path = join(dir, kind.file);
  const runOf = async (size: number) => {
    await generate(kind, path, size);
    try {
      return await chunk(path);
    } finally {
      rmSync(path);
    }
  };
  const start = await runOf(0);
  const runs: Run[] = [];
  for (const size of sizes) {
    const run = await runOf(size);
    runs.push(run);
    const cpu = (run.cpuSeconds - start.cpuSeconds) / (run.bytes / 1e6);
    console.error(
      `${kind.name}, ${formatSize(run.bytes)}: ${run.seconds.toFixed(1)} s, ${cpu.toFixed(3)} CPU s/MB, peak ${formatSize(run.peakBytes)}`,
    );
  }
  return judge(kind.name, start.cpuSeconds, runs);
}

function report(results: readonly Result[]): string {
  const head = ['file', 'MB', 'chunks', 's', 's/MB', 'CPU s/MB', 'MB/s', 'peak MB', 'covered'];
  const rows: (string | number)[][] = [head];
  for (const { name, runs, startCpuSeconds } of results) {
    for (const run of runs) {
      const mb = run.bytes / 1e6;
      const seconds = Math.max(0, run.cpuSeconds - startCpuSeconds);
      rows.push([
        name,
        Math.round(mb),
        run.chunks,
        Number(run.seconds.toFixed(1)),
        (run.seconds / mb).toFixed(3),
        (seconds / mb).toFixed(3),
        Number((mb / run.seconds).toFixed(2)),
        Math.round(run.peakBytes / 1e6),
        run.covered ? 'yes' : `NO, ${run.missed} bytes missed`,
      ]);
    }
  }
  const verdicts: (string | number)[][] = [
    ['file', 'MB of memory per GB', 'time per MB grows by', 'verdict'],
  ];
  for (const { name, memorySlope, timeRatio, verdict } of results) {
    verdicts.push([
      name,
      memorySlope === null ? '-' : (memorySlope * 1000).toFixed(1),
      timeRatio === null ? '-' : `x ${timeRatio.toFixed(2)}`,
      verdict,
    ]);
  }
  return `${table(rows)}\n\n${table(verdicts)}`;
}

const wanted = process.env.BENCH_KINDS?.split(',');
const kinds = KINDS.filter(({ file }) => wanted === undefined || wanted.includes(file));
const unknown = wanted?.filter((file) => !KINDS.some((kind) => kind.file === file)) ?? [];
if (unknown.length > 0) throw new Error(`no such kind: ${unknown}; there are ${KINDS.map((k) => k.file)}`);
const trial = process.env.BENCH_SIZES?.split(',').map(parseSize);

type Results = Record<string, Result>;
const stored: Results = existsSync(RESULTS)
  ? ((JSON.parse(readFileSync(RESULTS, 'utf8')) as { kinds?: Results }).kinds ?? {})
  : {};
const results: Result[] = [];
const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-huge-'));
try {
  for (const kind of kinds) {
    const result = await measure(kind, trial ?? kind.sizes.map(parseSize), dir);
    results.push(result);
    if (trial !== undefined) continue;
    stored[kind.file] = result;
    await write(stored);
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
console.log(report(results));

async function write(all: Results): Promise<void> {
  const ordered = Object.fromEntries(
    KINDS.flatMap(({ file }) => (all[file] === undefined ? [] : [[file, all[file]] as const])),
  );
  writeFileSync(RESULTS, `${JSON.stringify({ kinds: ordered }, null, 1)}\n`);
  const svg = await lineChart({
    title: 'Peak memory of tidemark chunks over the size of the file',
    xTitle: 'MB of input',
    yTitle: 'MB',
    series: Object.values(ordered).map(({ name, runs }) => ({
      name,
      points: runs.map(({ bytes, peakBytes }) => [bytes / 1e6, peakBytes / 1e6] as const),
    })),
    mark: { value: PEAK_LIMIT / 1e6, label: formatSize(PEAK_LIMIT) },
  });
  writeFileSync(new URL('./results/huge.svg', import.meta.url), svg);
}

/**
 * Chunks the whole source of the Linux kernel as Debian ships it, some 78,000 files and 1.3 GB, with two parser
 * threads, in a process started as `tidemark index` is: time, memory over the files, and whether every byte that is not
 * white space is in a chunk, which a process of its own checks against the files. `npm run bench:kernel`;
 * BENCH_FILES=2000 takes the first files only (a trial: nothing is written). Needs Debian's packages and 2 GB of disk.
 * Results: bench/results/kernel.json and kernel.svg.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ALLOCATOR, BASELINE_WASM, SMALL_HEAP } from '../src/cli/process-settings.ts';
import { compileChild } from './lib/child-script.ts';
import { debianPackage } from './lib/corpora.ts';
import { endedChildrenCpuSeconds } from './lib/cpu.ts';
import type { KernelJob } from './lib/kernel-child.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { OutsideSampler } from './lib/sampler.ts';
import { slope } from './lib/slope.ts';
import { table } from './lib/table.ts';
import { TreeTally } from './lib/tree-tally.ts';

const PACKAGE = 'linux-source-6.1';
const WORKERS = 2;
const SAMPLE_MS = 250;
/** The heaps fill over the first files; from here on memory has to be flat. */
const WARM_PART = 0.1;
/** What memory may grow by from there to the end, in bytes. */
const GROWTH_LIMIT = 25e6;
const limit = process.env.BENCH_FILES === undefined ? null : Number(process.env.BENCH_FILES);

/** Debian's own rules in the tree ignore all that is not Debian's. */
function takeEverything(root: string): string {
  const path = join(root, '.tidemarkignore');
  writeFileSync(path, '!*\n');
  return path;
}

function* regularFiles(root: string, below = ''): Generator<string> {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* regularFiles(root, path);
    else if (entry.isFile()) yield path;
  }
}

/** Seconds since the start, files that are done, bytes of them, resident bytes. */
type Point = readonly [seconds: number, files: number, bytes: number, residentBytes: number];

async function chunkTree(root: string, rules: string, dir: string) {
  const script = compileChild('kernel-child', dir);
  const modules = new URL('../dist/src/', import.meta.url).href;
  const job: KernelJob = { modules, root, exclude: [rules], workers: WORKERS, limit };
  writeFileSync(join(dir, 'job.json'), JSON.stringify(job));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}\n');

  const tally = new TreeTally(root);
  const points: Point[] = [];
  const cpuBefore = endedChildrenCpuSeconds();
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const flags = [...SMALL_HEAP, BASELINE_WASM];
  const child = spawn(process.execPath, [...flags, script, join(dir, 'job.json')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...ALLOCATOR },
  });
  const sampler = new OutsideSampler(child.pid!);
  const ended = new Promise((resolve) => child.on('close', resolve));
  const timer = setInterval(() => {
    points.push([Number(elapsed().toFixed(2)), tally.files, tally.bytes, sampler.bytes]);
  }, SAMPLE_MS);
  for await (const line of createInterface({ input: child.stdout })) tally.line(line);
  const code = await ended;
  const seconds = elapsed();
  clearInterval(timer);
  sampler.stop();
  if (code !== 0) throw new Error(`chunking ended with ${code} in ${tally.unfinished.join(', ')}`);
  const cpuSeconds = endedChildrenCpuSeconds() - cpuBefore;
  return { tally, seconds, cpuSeconds, peakBytes: sampler.peakBytes, points };
}

const corpus = debianPackage(PACKAGE, `usr/src/${PACKAGE}.tar.xz`);
const rules = takeEverything(corpus.dir);
const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-kernel-'));
let run: Awaited<ReturnType<typeof chunkTree>>;
try {
  run = await chunkTree(corpus.dir, rules, dir);
} finally {
  rmSync(dir, { recursive: true, force: true });
  rmSync(rules);
}
const { tally, seconds, cpuSeconds, peakBytes, points } = run;

const forgotten: string[] = [];
if (limit === null) {
  for (const path of regularFiles(corpus.dir)) if (!tally.paths.has(path)) forgotten.push(path);
}
const skippedBy: Record<string, number> = { binary: tally.binaries.length };
for (const { reason } of tally.skipped) skippedBy[reason] = (skippedBy[reason] ?? 0) + 1;
const fallbacksBy: Record<string, number> = {};
for (const { reason } of tally.fallbacks) fallbacksBy[reason] = (fallbacksBy[reason] ?? 0) + 1;
const warm = points.filter((point) => point[2] >= tally.bytes * WARM_PART);
const memorySlope = slope(warm.map((point) => [point[2], point[3]]));
const growth = (memorySlope ?? 0) * tally.bytes * (1 - WARM_PART);
const notSkipped = ['binary', 'symlink'];
const faults = [
  ...(tally.faults.length === 0 ? [] : [`bytes are missing in ${tally.faults.length} files`]),
  ...(forgotten.length === 0 ? [] : [`${forgotten.length} files were not seen`]),
  ...(tally.unfinished.length === 0 ? [] : ['files were not finished']),
  ...Object.keys(skippedBy)
    .filter((reason) => !notSkipped.includes(reason))
    .map((reason) => `files were skipped: ${reason}`),
  // Of a few files nothing can be told.
  ...(limit !== null || growth < GROWTH_LIMIT ? [] : ['memory grows']),
];
const verdict = faults.length === 0 ? 'good' : faults.join(', ');
const megabytes = tally.bytes / 1e6;
const counts = (of: Record<string, number>) =>
  Object.entries(of)
    .map(([name, n]) => `${n} ${name}`)
    .join(', ') || 'none';

console.log(
  table([
    ['', corpus.archive],
    ['files', tally.files],
    ['MB', Math.round(megabytes)],
    ['chunks', tally.chunks],
    ['seconds', Math.round(seconds)],
    ['MB/s', (megabytes / seconds).toFixed(2)],
    ['CPU seconds', Math.round(cpuSeconds)],
    ['MB by CPU second', (megabytes / cpuSeconds).toFixed(2)],
    ['peak MB', Math.round(peakBytes / 1e6)],
    ['MB of memory per GB', memorySlope === null ? '-' : (memorySlope * 1000).toFixed(1)],
    ['files with bytes in no chunk', tally.faults.length],
    ['not chunked', counts(skippedBy)],
    ['cut by lines', counts(fallbacksBy)],
    ['verdict', verdict],
  ]),
);
for (const { path, reason, fromByte } of tally.fallbacks)
  console.log(`  ${reason} from byte ${fromByte}: ${path}`);
for (const { path, at, missed } of tally.faults) console.log(`  byte ${at} (${missed} in all): ${path}`);

if (limit === null) {
  const out = new URL('./results/', import.meta.url);
  mkdirSync(out, { recursive: true });
  const result = {
    environment: environment(),
    archive: corpus.archive,
    sha256: corpus.sha256,
    workers: WORKERS,
    verdict,
    files: tally.files,
    bytes: tally.bytes,
    chunks: tally.chunks,
    seconds,
    cpuSeconds,
    peakBytes,
    memorySlope,
    languages: tally.languages,
    skipped: skippedBy,
    binaries: tally.binaries,
    fallbacks: tally.fallbacks,
    faults: tally.faults,
    forgotten,
    curve: points,
  };
  writeFileSync(new URL('kernel.json', out), `${JSON.stringify(result)}\n`);
  const svg = await lineChart({
    title: `Resident set while chunking ${corpus.archive.split('_')[0]}, ${WORKERS} parsers`,
    xTitle: 'files',
    yTitle: 'MB',
    series: [
      { name: 'resident set', points: points.map(([, files, , bytes]) => [files, bytes / 1e6] as const) },
    ],
    mark: { value: peakBytes / 1e6, label: `peak: ${Math.round(peakBytes / 1e6)} MB` },
  });
  writeFileSync(new URL('kernel.svg', out), svg);
}

/**
 * A store of ten million chunks through its whole life: written, indexed, searched, updated, listed. Real chunks repeated
 * with variations, and their real vectors with noise. `npm run bench:scale`; BENCH_CHUNKS=100000 makes a smaller one (a
 * trial: nothing is written). Takes an hour and 60 GB of disk. Results: bench/results/scale.json and scale.svg.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ALLOCATOR, SMALL_HEAP } from '../src/cli/process-settings.ts';
import { baseChunks } from './lib/base-chunks.ts';
import { compileChild } from './lib/child-script.ts';
import { CORPORA } from './lib/corpora.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { OutsideSampler } from './lib/sampler.ts';
import type { ScaleJob, ScaleLine } from './lib/scale-child.ts';
import { trend } from './lib/slope.ts';
import { table } from './lib/table.ts';
import { DIMENSIONS } from './lib/vector-file.ts';

const CHUNKS = 10_000_000;
const MEMORY_BYTES = 1e9;
const DIR = join(CORPORA, 'scale');

interface Phase {
  readonly name: string;
  /** Seconds since the start. */
  readonly from: number;
  readonly seconds: number;
  readonly peakBytes: number;
}

const given = process.env.BENCH_CHUNKS;
const chunks = Number(given ?? CHUNKS);
/** The tables that an earlier run has written are indexed and searched once more; what it measured until then stays. */
const written = process.env.BENCH_FROM === 'tables';
mkdirSync(DIR, { recursive: true });
writeFileSync(join(DIR, 'package.json'), '{ "type": "module" }\n');
const script = compileChild('scale-child', DIR);
const index = join(DIR, 'index');
const part = join(DIR, 'part.json');
if (!written)
  for (const old of [index, `${index}-bare`, `${index}-writer`])
    rmSync(old, { recursive: true, force: true });
const job: ScaleJob = {
  modules: new URL('../dist/src/', import.meta.url).href,
  dir: index,
  ...(await baseChunks()),
  dimensions: DIMENSIONS,
  chunks,
  chunksPerFile: 10,
  updates: Math.min(1000, chunks / 100),
  queries: 300,
  recallQueries: chunks > 1_000_000 ? 20 : 50,
  bareChunks: Math.min(1_000_000, chunks),
  memoryBytes: MEMORY_BYTES,
  written,
};
writeFileSync(join(DIR, 'job.json'), JSON.stringify(job));

interface Part {
  readonly phases: Phase[];
  readonly results: Record<string, unknown>;
  /** Seconds, bytes. */
  readonly curve: [number, number][];
  /** Rows written in a phase, bytes. */
  readonly curves: Record<string, [number, number][]>;
}

const { phases, results, curve, curves }: Part = written
  ? (JSON.parse(readFileSync(part, 'utf8')) as Part)
  : { phases: [], results: {}, curve: [], curves: {} };
const before = curve.length === 0 ? 0 : curve.at(-1)![0] + 1;

// As `tidemark index` starts the process that writes.
const child = spawn(process.execPath, [...SMALL_HEAP, script, join(DIR, 'job.json')], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, ...ALLOCATOR },
});
const sampler = new OutsideSampler(child.pid!, 50);
const started = performance.now();
const now = () => before + (performance.now() - started) / 1000;
let open: { readonly name: string; readonly from: number } | null = null;
const endPhase = () => {
  if (open === null) return;
  const { name, from } = open;
  const during = sampler.curve
    .filter(([second]) => second >= Math.floor(from - before))
    .map(([, bytes]) => bytes);
  const peakBytes = Math.max(sampler.bytes, ...during);
  phases.push({ name, from, seconds: now() - from, peakBytes });
  process.stderr.write(`${name}: ${(now() - from).toFixed(1)} s, ${(peakBytes / 1e6).toFixed(0)} MB\n`);
};
for await (const text of createInterface({ input: child.stdout })) {
  const line = JSON.parse(text) as ScaleLine;
  if (line.type === 'phase') {
    endPhase();
    open = { name: line.name, from: now() };
  } else if (line.type === 'rows') {
    const { name } = open!;
    curves[name] = [...(curves[name] ?? []), [line.rows, sampler.bytes]];
  } else {
    results[line.name] = line.value;
    process.stderr.write(`  ${line.name} ${JSON.stringify(line.value)}\n`);
  }
}
sampler.stop();
for (const [second, bytes] of sampler.curve) curve.push([before + second, bytes]);
writeFileSync(part, JSON.stringify({ phases, results, curve, curves }));
if (open?.name !== 'end') throw new Error(`it ended while it was to ${open?.name}`);

type Timed = { readonly rows: number; readonly bytes: number; readonly seconds: number };
type Latency = { readonly p50: number; readonly p95: number };
const speed = ({ bytes, seconds }: Timed) => bytes / 1e6 / seconds;
const [bare, writer] = [results.bare as Timed, results.writer as Timed];
const peakBytes = Math.max(...phases.map((phase) => phase.peakBytes));
const writing = trend(
  (curves['write chunks'] ?? [])
    .filter(([rows]) => rows > chunks / 10)
    .map(([rows, bytes]) => [rows / 1e6, bytes] as const),
);
process.stdout.write(
  `${table([
    ['phase', 'seconds', 'peak MB'],
    ...phases.map(({ name, seconds, peakBytes }) => [name, seconds.toFixed(1), (peakBytes / 1e6).toFixed(0)]),
  ])}\n\n${table([
    ['search', 'p50 ms', 'p95 ms'],
    ...Object.entries(results)
      .filter(([name]) => /^(lexical|semantic|hybrid)/.test(name))
      .map(([name, value]) => [name, (value as Latency).p50.toFixed(1), (value as Latency).p95.toFixed(1)]),
  ])}\n\n${JSON.stringify(results.recall)}\n`,
);
process.stdout.write(
  `writer ${speed(writer).toFixed(1)} MB/s, bare append ${speed(bare).toFixed(1)} MB/s, ratio ${(speed(writer) / speed(bare)).toFixed(2)}; ` +
    `peak ${(peakBytes / 1e6).toFixed(0)} MB; a million rows more add ${(writing.slope / 1e6).toFixed(2)} MB (${(writing.low / 1e6).toFixed(2)} to ${(writing.high / 1e6).toFixed(2)})\n`,
);
if (given === undefined) {
  const folder = new URL('./results/', import.meta.url);
  const { modules: _m, dir: _d, base: _b, vectors: _v, ...settings } = job;
  const report = {
    environment: environment(),
    settings,
    ratio: speed(writer) / speed(bare),
    peakBytes,
    writing,
    phases,
    results,
    curves,
  };
  writeFileSync(new URL('scale.json', folder), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(
    new URL('scale.svg', folder),
    await lineChart({
      title: 'Ten million chunks: memory over the life of the index',
      xTitle: 'minutes',
      yTitle: 'resident set, MB',
      series: phases
        .filter(({ seconds }) => seconds > 5)
        .map(({ name, from, seconds }) => ({
          name,
          points: curve
            .filter(([second]) => second >= Math.floor(from) && second <= from + seconds)
            .map(([second, bytes]) => [second / 60, bytes / 1e6] as const),
        })),
      mark: { value: MEMORY_BYTES / 1e6, label: '--memory 1GB' },
    }),
  );
  writeFileSync(
    new URL('scale-rows.svg', folder),
    await lineChart({
      title: 'Memory over rows written',
      xTitle: 'million rows',
      yTitle: 'resident set, MB',
      series: Object.entries(curves).map(([name, points]) => ({
        name,
        points: points.map(([rows, bytes]) => [rows / 1e6, bytes / 1e6] as const),
      })),
    }),
  );
  rmSync(index, { recursive: true, force: true });
}

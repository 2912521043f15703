/**
 * Hundreds of thousands of runs of a tiny model on each device: the resident set of its process and the tensors that are
 * alive, over the runs, with the slope. `npm run bench:embed-memory`; BENCH_DEVICES=wasm takes some of the devices (a
 * trial: nothing is written). WebGPU runs on a driver in software where `npm run vulkan` has unpacked one. Results:
 * bench/results/embed-memory.json and embed-memory.svg.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Embedder } from '../src/embed/embedder.ts';
import { useSoftwareVulkan, withoutVulkan } from '../test/support/software-vulkan.ts';
import { writeTinyModel } from '../test/support/tiny-model.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { type Trend, trend } from './lib/slope.ts';
import { table } from './lib/table.ts';

interface Plan {
  readonly device: 'cpu' | 'wasm' | 'webgpu';
  /** Texts in a call: a GPU runs them together, the others one by one. */
  readonly texts: number;
  /** Runs before the slope counts: heaps fill, and V8 optimizes what is run often. */
  readonly warmUp: number;
  readonly runs: number;
}

const PLANS: readonly Plan[] = [
  { device: 'cpu', texts: 100, warmUp: 100_000, runs: 500_000 },
  { device: 'wasm', texts: 100, warmUp: 100_000, runs: 500_000 },
  { device: 'webgpu', texts: 4, warmUp: 30_000, runs: 90_000 },
];
const SAMPLES = 400;
const TEXTS = ['red', 'green blue', 'blue red', 'blue red green red'];
const PER = 10_000;

interface Result extends Plan {
  /** The most that were seen alive between two calls. */
  readonly liveTensors: number;
  readonly peakBytes: number;
  /** Bytes that 10,000 runs add, after the warm-up. */
  readonly trend: Trend;
  /** Runs, bytes. */
  readonly curve: readonly (readonly [number, number])[];
}

async function measure(plan: Plan, model: string): Promise<Result> {
  const { device, texts, warmUp, runs } = plan;
  await using embedder = new Embedder({ model, device });
  const batch = Array.from({ length: texts }, (_, i) => TEXTS[i % TEXTS.length]!);
  const perCall = device === 'webgpu' ? 1 : texts;
  const calls = (warmUp + runs) / perCall;
  const every = Math.floor(calls / SAMPLES);
  const curve: [number, number][] = [];
  let liveTensors = 0;
  for (let call = 1; call <= calls; call++) {
    const { failed } = await embedder.embed(batch);
    if (failed.length > 0) throw new Error(`${device}: ${failed[0]!.reason}`);
    if (call % every !== 0) continue;
    const stats = await embedder.stats();
    liveTensors = Math.max(liveTensors, stats.liveTensors);
    curve.push([call * perCall, stats.rssBytes]);
  }
  const settled = curve.filter(([run]) => run > warmUp).map(([run, bytes]) => [run / PER, bytes] as const);
  return {
    ...plan,
    liveTensors,
    peakBytes: Math.max(...curve.map(([, bytes]) => bytes)),
    trend: trend(settled),
    curve,
  };
}

useSoftwareVulkan();
const wanted = process.env.BENCH_DEVICES?.split(',');
const model = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
const results: Result[] = [];
try {
  writeTinyModel(model);
  for (const plan of PLANS) {
    if (!(wanted?.includes(plan.device) ?? true) || (plan.device === 'webgpu' && withoutVulkan !== false))
      continue;
    results.push(await measure(plan, model));
  }
} finally {
  rmSync(model, { recursive: true });
}

const kilobytes = (bytes: number) => (bytes / 1e3).toFixed(1);
const head = ['device', 'runs', 'live tensors', 'peak MB', 'KB by 10,000 runs', '95 % interval'];
const rows = results.map(({ device, warmUp, runs, liveTensors, peakBytes, trend: { slope, low, high } }) => [
  device,
  warmUp + runs,
  liveTensors,
  Math.round(peakBytes / 1e6),
  kilobytes(slope),
  `${kilobytes(low)} to ${kilobytes(high)}`,
]);
console.log(table([head, ...rows]));

if (wanted === undefined) {
  const out = new URL('./results/', import.meta.url);
  writeFileSync(
    new URL('embed-memory.json', out),
    `${JSON.stringify({ environment: environment(), results })}\n`,
  );
  const chart = {
    title: 'Memory of a process that embeds, over the runs of its model',
    xTitle: 'thousand runs',
    yTitle: 'resident set, MB',
    series: results.map(({ device, curve }) => ({
      name: device,
      points: curve.map(([run, bytes]) => [run / 1e3, bytes / 1e6] as const),
    })),
  };
  writeFileSync(fileURLToPath(new URL('embed-memory.svg', out)), await lineChart(chart));
}

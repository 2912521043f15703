/**
 * Embeds the same 5,000 real chunks with the bundled model by each device and weights, and with the pipeline of
 * transformers.js over the same files: texts by CPU second, peak memory, nearness to the vectors of fp32.
 * `npm run bench:embed`; BENCH_TEXTS=200 takes fewer (a trial: nothing is written). Needs Debian's packages and the npm
 * registry for the chunks. BENCH_ONLY=webgpu runs those with that in their name, whose rows then replace their last ones.
 * Results: bench/results/embed.json and embed.svg.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultCacheRoot } from '../src/embed/model-cache.ts';
import { useSoftwareVulkan, withoutVulkan } from '../test/support/software-vulkan.ts';
import { cosine } from '../test/support/vectors.ts';
import { barChart } from './lib/bar-chart.ts';
import {
  type Contender,
  EmbedBench,
  type EmbedRun,
  everyNth,
  prepareModels,
  realChunks,
} from './lib/embed-runs.ts';
import { environment } from './lib/machine.ts';
import { table } from './lib/table.ts';

const TEXTS = Number(process.env.BENCH_TEXTS ?? 5000);
const QUERIES = 50;
const only = process.env.BENCH_ONLY;
const RESULTS = fileURLToPath(new URL('./results/embed.json', import.meta.url));
/** What tidemark's 8-bit weights have to reach against the pipeline's. */
const GOALS = { throughput: 1.5, memory: 0.5 };
const REFERENCE = 'transformers.js fp32, one by one';
/** As its documentation calls it: a list of texts at once. */
const PEER = 'transformers.js q8, 32 a call';
const OURS = 'tidemark cpu q8';

// Ten times slower than the CPU, or a driver in software: what they give is compared on a part.
const few = Math.ceil(TEXTS / 10);
const fewest = Math.ceil(TEXTS / 50);
const all: readonly Contender[] = [
  { name: REFERENCE, runtime: { pipelineBatch: 1 }, device: 'cpu', dtype: 'fp32', texts: TEXTS },
  { name: OURS, runtime: 'tidemark', device: 'cpu', dtype: 'q8', texts: TEXTS },
  { name: PEER, runtime: { pipelineBatch: 32 }, device: 'cpu', dtype: 'q8', texts: TEXTS },
  {
    name: 'transformers.js q8, one by one',
    runtime: { pipelineBatch: 1 },
    device: 'cpu',
    dtype: 'q8',
    texts: TEXTS,
  },
  { name: 'tidemark cpu fp32', runtime: 'tidemark', device: 'cpu', dtype: 'fp32', texts: TEXTS },
  {
    name: 'transformers.js fp32, 32 a call',
    runtime: { pipelineBatch: 32 },
    device: 'cpu',
    dtype: 'fp32',
    texts: few,
  },
  { name: 'tidemark wasm q8', runtime: 'tidemark', device: 'wasm', dtype: 'q8', texts: few },
  { name: 'tidemark wasm fp32', runtime: 'tidemark', device: 'wasm', dtype: 'fp32', texts: fewest },
  ...(withoutVulkan === false
    ? [
        {
          name: 'tidemark webgpu fp32 (driver in software)',
          runtime: 'tidemark',
          device: 'webgpu',
          dtype: 'fp32',
          texts: fewest,
        } as const,
      ]
    : []),
];

const chosen = all.filter(({ name }) => name !== REFERENCE && (only === undefined || name.includes(only)));
const most = Math.max(...chosen.map(({ texts }) => texts));
const contenders: readonly Contender[] = [{ ...all[0]!, texts: most }, ...chosen];

interface Result extends EmbedRun {
  /** To the reference's vector of the same text. */
  readonly cosineMean: number;
  readonly cosineMin: number;
}

useSoftwareVulkan();
const cache = defaultCacheRoot();
await prepareModels(cache);
const texts = await realChunks(TEXTS);
const characters = texts.reduce((sum, text) => sum + text.length, 0);
console.error(`${texts.length} chunks, ${Math.round(characters / texts.length)} characters on the average`);
const bench = new EmbedBench(cache);
let results: Result[] = [];
let reference: readonly Float32Array[] = [];
for (const contender of contenders) {
  const { run, rows } = await bench.run(contender, everyNth(texts, contender.texts), QUERIES);
  if (contender.name === REFERENCE) reference = rows;
  const expected = everyNth(reference, contender.texts);
  const cosines = rows.map((row, i) => cosine(row, expected[i]!));
  const cosineMean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
  const result = { ...run, cosineMean, cosineMin: Math.min(...cosines) };
  results.push(result);
  console.error(
    `${run.name}: ${run.textsPerCpuSecond.toFixed(1)} texts by CPU second, ${Math.round(run.peakBytes / 1e6)} MB`,
  );
}

if (only !== undefined) {
  const before = (JSON.parse(readFileSync(RESULTS, 'utf8')) as { results: Result[] }).results;
  const anew = new Map(results.slice(1).map((result) => [result.name, result]));
  results = before.map((result) => anew.get(result.name) ?? result);
}

const head = [
  '',
  'texts',
  'texts/CPU s',
  'texts/s',
  'peak MB',
  'query p50 ms',
  'p95',
  'cosine to fp32',
  'least',
];
const rows = results.map((r) => [
  r.name,
  r.texts,
  r.textsPerCpuSecond.toFixed(1),
  r.textsPerSecond.toFixed(1),
  Math.round(r.peakBytes / 1e6),
  r.latencyP50.toFixed(1),
  r.latencyP95.toFixed(1),
  r.cosineMean.toFixed(6),
  r.cosineMin.toFixed(4),
]);
console.log(table([head, ...rows]));
const by = (name: string) => results.find((result) => result.name === name)!;
const throughput = by(OURS).textsPerCpuSecond / by(PEER).textsPerCpuSecond;
const memory = by(OURS).peakBytes / by(PEER).peakBytes;
console.log(
  `\n${OURS} against ${PEER}: ${throughput.toFixed(2)} of its texts by CPU second (goal: ${GOALS.throughput}), ` +
    `${memory.toFixed(2)} of its peak memory (goal: ${GOALS.memory})`,
);

if (process.env.BENCH_TEXTS === undefined) {
  const out = new URL('./results/', import.meta.url);
  const meanCharacters = characters / texts.length;
  const result = {
    environment: environment(),
    texts: texts.length,
    meanCharacters,
    throughput,
    memory,
    goals: GOALS,
    results,
  };
  writeFileSync(RESULTS, `${JSON.stringify(result, null, 1)}\n`);
  const bars = results.flatMap(({ name, textsPerCpuSecond, peakBytes }) => [
    { group: 'texts by CPU second', name, value: textsPerCpuSecond },
    { group: 'peak memory, 10 MB', name, value: peakBytes / 1e7 },
  ]);
  const chart = { title: 'Embedding 5,000 real chunks', yTitle: '', bars };
  writeFileSync(fileURLToPath(new URL('embed.svg', out)), await barChart(chart));
}

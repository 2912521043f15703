/**
 * Embeds 5,000 chunks of the installed packages on the GPU, and beside it on the CPU: texts by second, the time of a
 * query, the GPU's memory, nearness to the CPU's vectors. `npm ci && npm run bench:gpu` on a machine with a GPU and its
 * Vulkan driver; nothing is downloaded. BENCH_TEXTS=200 takes fewer, and BENCH_SOFTWARE=1 a driver in software (trials:
 * nothing is written). Results: bench/results/gpu.json.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { detectDevices } from '../src/embed/devices.ts';
import { defaultCacheRoot } from '../src/embed/model-cache.ts';
import { useSoftwareVulkan } from '../test/support/software-vulkan.ts';
import { cosine } from '../test/support/vectors.ts';
import { type Contender, chunksOf, EmbedBench, everyNth, prepareModels } from './lib/embed-runs.ts';
import { nvidiaGpu, watchGpuMemory } from './lib/gpu-memory.ts';
import { environment } from './lib/machine.ts';
import { table } from './lib/table.ts';

const TEXTS = Number(process.env.BENCH_TEXTS ?? 5000);
const QUERIES = 200;
const software = process.env.BENCH_SOFTWARE !== undefined;
const ON_GPU = 'tidemark webgpu fp32';

if (software) useSoftwareVulkan();
const [webgpu] = await detectDevices();
if (webgpu === undefined || !webgpu.ok || (!software && /no GPU/.test(webgpu.passedOver ?? ''))) {
  console.error(`There is no GPU to measure: ${webgpu?.passedOver ?? webgpu?.detail}`);
  process.exit(1);
}

// On the CPU a tenth of them is enough to compare.
const few = Math.ceil(TEXTS / 10);
const contenders: readonly Contender[] = [
  { name: ON_GPU, runtime: 'tidemark', device: 'webgpu', dtype: 'fp32', texts: TEXTS },
  { name: 'tidemark cpu fp32', runtime: 'tidemark', device: 'cpu', dtype: 'fp32', texts: few },
  { name: 'tidemark cpu q8', runtime: 'tidemark', device: 'cpu', dtype: 'q8', texts: few },
];

const lib = new URL('../node_modules/typescript/lib/', import.meta.url);
const files = readdirSync(new URL('../node_modules/@lancedb/lancedb/dist/', import.meta.url), {
  recursive: true,
})
  .map((name) => fileURLToPath(new URL(`../node_modules/@lancedb/lancedb/dist/${name}`, import.meta.url)))
  .concat(readdirSync(lib).map((name) => fileURLToPath(new URL(name, lib))))
  .filter((path) => /\.[jt]s$/.test(path));
const cache = defaultCacheRoot();
await prepareModels(cache);
const texts = everyNth(await chunksOf(files), TEXTS);
const bench = new EmbedBench(cache);
const results = [];
let onGpu: readonly Float32Array[] = [];
for (const contender of contenders) {
  const memory = watchGpuMemory();
  const { run, rows } = await bench.run(contender, everyNth(texts, contender.texts), QUERIES);
  const gpuBytes = await memory.stop();
  if (contender.name === ON_GPU) onGpu = rows;
  const same = everyNth(onGpu, contender.texts);
  const cosineMin = Math.min(...rows.map((row, i) => cosine(row, same[i]!)));
  results.push({ ...run, gpuBytes, cosineMin });
}

const head = [
  '',
  'texts',
  'texts/s',
  'texts/CPU s',
  'query p50 ms',
  'p95',
  'peak MB',
  'GPU MB',
  'least cosine to the GPU',
];
const rows = results.map((r) => [
  r.name,
  r.texts,
  r.textsPerSecond.toFixed(1),
  r.textsPerCpuSecond.toFixed(1),
  r.latencyP50.toFixed(1),
  r.latencyP95.toFixed(1),
  Math.round(r.peakBytes / 1e6),
  r.gpuBytes === null ? '?' : Math.round(r.gpuBytes / 1e6),
  r.cosineMin.toFixed(6),
]);
console.log(table([head, ...rows]));

if (!software && process.env.BENCH_TEXTS === undefined) {
  const gpu = await nvidiaGpu();
  const result = {
    environment: environment(),
    gpu: gpu && { name: gpu.name, driver: gpu.driver },
    texts: texts.length,
    results,
  };
  writeFileSync(new URL('./results/gpu.json', import.meta.url), `${JSON.stringify(result, null, 1)}\n`);
}

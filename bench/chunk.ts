/**
 * Chunks the same real files with tidemark, with other chunkers, and with the bare parser that only parses them: speed
 * by CPU second and peak memory. `npm run bench:chunk`; BENCH_LANGUAGES=go,rust takes some of the languages and
 * BENCH_REPEATS=1 fewer repeats (a trial: nothing is written). Needs Debian's packages and the npm registry, which it
 * installs the other chunkers from. Results: bench/results/chunk.json, chunk.svg and chunk-memory.svg.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { grammars } from '../grammars/index.ts';
import { barChart } from './lib/bar-chart.ts';
import { compileChild } from './lib/child-script.ts';
import { chunkCorpus, type LanguageFiles } from './lib/chunk-corpus.ts';
import type { ContenderJob, ContenderName, ContenderOutcome } from './lib/contender.ts';
import { environment } from './lib/machine.ts';
import { installPeers, PEERS } from './lib/peers.ts';
import { OutsideSampler } from './lib/sampler.ts';
import { table } from './lib/table.ts';

const CONTENDERS: readonly ContenderName[] = [
  'tidemark',
  'web-tree-sitter',
  'LangChain recursive',
  'LlamaIndex code',
  'LlamaIndex sentence',
];
/** What tidemark has to reach of the speed of the parser alone. */
const GOAL = 0.6;
/** Where a chunker takes longer it is judged by the files that it has done; where it hangs in one, it is stopped. */
const LIMIT_SECONDS = 20;
const STOP_MS = 60_000;
/** Chunked before the clocks start. */
const WARM_UP_BYTES = 1e6;
const require = createRequire(import.meta.url);
const tidemark = new URL('../dist/src/index.js', import.meta.url).href;
const wanted = process.env.BENCH_LANGUAGES?.split(',');
const repeats = Number(process.env.BENCH_REPEATS ?? 2);
const trial = wanted !== undefined || process.env.BENCH_REPEATS !== undefined;

interface Run extends ContenderOutcome {
  /** Of the files that were done. */
  readonly bytes: number;
  readonly peakBytes: number;
}

interface Measured extends Run {
  readonly megabytesPerCpuSecond: number;
  readonly megabytesPerSecond: number;
  readonly runs: readonly Run[];
}

async function run(
  script: string,
  job: ContenderJob,
  sizes: readonly number[],
  jobPath: string,
): Promise<Run> {
  writeFileSync(jobPath, JSON.stringify(job));
  const child = spawn(process.execPath, [script, jobPath], { stdio: ['ignore', 'pipe', 'pipe'] });
  const sampler = new OutsideSampler(child.pid!, 20);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  let out = '';
  let complaints = '';
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    complaints = `${complaints}${data}`.slice(-2000);
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  sampler.stop();
  const { peakBytes } = sampler;
  if (code === 0) {
    const outcome = JSON.parse(out) as ContenderOutcome;
    const bytes = sizes.slice(0, outcome.files).reduce((sum, size) => sum + size, 0);
    return { ...outcome, bytes, peakBytes };
  }
  const error = code === null ? 'killed: it took too long' : `ended with ${code}: ${complaints.trim()}`;
  if (job.contender === 'tidemark' || job.contender === 'web-tree-sitter') throw new Error(error);
  const failed = job.files.length;
  return { files: 0, bytes: 0, chunks: 0, seconds: 0, cpuSeconds: 0, failed, error, peakBytes };
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** The median by speed; memory by its own median. */
function summarize(runs: readonly Run[]): Measured {
  const speed = ({ bytes, cpuSeconds }: Run) => (cpuSeconds === 0 ? 0 : bytes / 1e6 / cpuSeconds);
  const middle = [...runs].sort((a, b) => speed(a) - speed(b))[runs.length >> 1]!;
  return {
    ...middle,
    megabytesPerCpuSecond: speed(middle),
    megabytesPerSecond: median(runs.map(({ bytes, seconds }) => (seconds === 0 ? 0 : bytes / 1e6 / seconds))),
    peakBytes: median(runs.map(({ peakBytes }) => peakBytes)),
    runs,
  };
}

/** The first small files, {@link WARM_UP_BYTES} of them together. */
function warmUpFiles(files: readonly string[], sizes: readonly number[]): string[] {
  let left = WARM_UP_BYTES;
  return files.filter((_, i) => {
    const taken = left > 0 && sizes[i]! < 300_000;
    if (taken) left -= sizes[i]!;
    return taken;
  });
}

/** The contenders take turns, so that what else the machine does falls on all of them. */
async function measure(corpus: LanguageFiles, script: string, dir: string) {
  const { wasm } = grammars.find(({ name }) => name === corpus.language)!;
  const sizes = corpus.files.map((path) => statSync(path).size);
  const warmUp = warmUpFiles(corpus.files, sizes);
  const runs = new Map<ContenderName, Run[]>(CONTENDERS.map((name) => [name, []]));
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const contender of CONTENDERS) {
      const job: ContenderJob = {
        contender,
        language: corpus.language,
        langchain: corpus.langchain,
        grammar: require.resolve(`${wasm!.package}/${wasm!.file}`),
        tidemark,
        warmUp,
        files: corpus.files,
        limitSeconds: LIMIT_SECONDS,
      };
      const result = await run(script, job, sizes, join(dir, 'job.json'));
      runs.get(contender)!.push(result);
      console.error(
        `${corpus.language}, ${contender}: ${(result.bytes / 1e6).toFixed(1)} MB, ${result.cpuSeconds.toFixed(2)} CPU s, ${result.chunks} chunks${result.error === null ? '' : `, ${result.failed} files failed: ${result.error}`}`,
      );
    }
  }
  return Object.fromEntries([...runs].map(([name, list]) => [name, summarize(list)])) as Record<
    ContenderName,
    Measured
  >;
}

interface LanguageResult {
  readonly language: string;
  readonly origins: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** tidemark's speed as a part of the parser's alone. */
  readonly ratio: number;
  readonly contenders: Record<ContenderName, Measured>;
}

const dir = installPeers();
const script = compileChild('contender', dir);
const languages: LanguageResult[] = [];
for (const corpus of chunkCorpus((language) => wanted?.includes(language) ?? true)) {
  const contenders = await measure(corpus, script, dir);
  const ratio =
    contenders.tidemark.megabytesPerCpuSecond / contenders['web-tree-sitter'].megabytesPerCpuSecond;
  const { language, origins, bytes, files } = corpus;
  languages.push({ language, origins, files: files.length, bytes, ratio, contenders });
}
const geometricMean = Math.exp(
  languages.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / languages.length,
);

const head = ['language', 'MB', 'files', 'chunker', 'chunks', 'MB/CPU s', 'MB/s', 'peak MB', 'of the parser'];
const rows: (string | number)[][] = [head];
for (const { language, contenders } of languages) {
  const limit = contenders['web-tree-sitter'].megabytesPerCpuSecond;
  for (const name of CONTENDERS) {
    const it = contenders[name];
    const failed = it.failed === 0 ? '' : ` (${it.failed} files failed)`;
    rows.push([
      language,
      Number((it.bytes / 1e6).toFixed(1)),
      it.files,
      `${name}${failed}`,
      it.chunks,
      it.megabytesPerCpuSecond.toFixed(2),
      it.megabytesPerSecond.toFixed(2),
      Math.round(it.peakBytes / 1e6),
      (it.megabytesPerCpuSecond / limit).toFixed(2),
    ]);
  }
}
console.log(table(rows));
console.log(
  `\ntidemark against the parser alone, geometric mean over ${languages.length} languages: ${geometricMean.toFixed(2)} (goal: ${GOAL})`,
);

if (!trial) {
  const out = new URL('./results/', import.meta.url);
  mkdirSync(out, { recursive: true });
  const result = {
    environment: environment(),
    peers: PEERS,
    warmUp: `each process chunks ${WARM_UP_BYTES / 1e6} MB before the clocks start, or what it can in a tenth of the limit`,
    limitSeconds: LIMIT_SECONDS,
    repeats,
    geometricMean,
    goal: GOAL,
    languages,
  };
  writeFileSync(new URL('chunk.json', out), `${JSON.stringify(result, null, 1)}\n`);
  const bars = (value: (measured: Measured) => number) =>
    languages.flatMap(({ language, contenders }) =>
      CONTENDERS.map((name) => ({ group: language, name, value: value(contenders[name]) })),
    );
  const charts = {
    'chunk.svg': { title: 'Speed', yTitle: 'MB by CPU second', bars: bars((m) => m.megabytesPerCpuSecond) },
    'chunk-memory.svg': { title: 'Peak memory', yTitle: 'MB', bars: bars((m) => m.peakBytes / 1e6) },
  };
  for (const [name, chart] of Object.entries(charts)) {
    writeFileSync(fileURLToPath(new URL(name, out)), await barChart(chart));
  }
}

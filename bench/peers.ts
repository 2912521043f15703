/**
 * The memory of tidemark and of other indexing pipelines over the same 10,000 files of the Linux kernel, all with the
 * same embedding function, that needs no model. `npm run bench:peers`; BENCH_ONLY=LlamaIndex runs those whose names have
 * that in them, BENCH_MINUTES=5 stops each after that time (15). Installs the peers out of the npm registry. Results:
 * bench/results/peers.json, where a run takes the place of the last one of its name, and peers.svg.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseSize } from '../src/memory/size.ts';
import { compileChild } from './lib/child-script.ts';
import { CORPORA } from './lib/corpora.ts';
import { indexRun } from './lib/index-run.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { installPeers, PIPELINE_PEERS } from './lib/peers.ts';
import type { PipelineName, PipelineProgress } from './lib/pipeline.ts';
import { rssCorpus } from './lib/rss-corpora.ts';
import { table } from './lib/table.ts';
import { TreeSampler } from './lib/tree-sampler.ts';
import { serveWordHashes } from './lib/word-hash-server.ts';

const MARK = '512MB';
const MINUTES = Number(process.env.BENCH_MINUTES ?? 15);
const ONLY = process.env.BENCH_ONLY ?? '';
const PIPELINES: readonly PipelineName[] = [
  'LangChain, memory store',
  'LangChain, memory store, file by file',
  'LangChain, LanceDB',
  'LlamaIndex, vector store index',
];
const CURVE_POINTS = 300;
const MB = 1e6;
const RESULTS = new URL('./results/peers.json', import.meta.url);

interface Sample {
  readonly seconds: number;
  readonly files: number;
  readonly pss: number;
}

interface Outcome {
  /** What was under way when it ended. */
  readonly stage: string;
  /** Why it ended before it was done; null where it was done. */
  readonly ended: string | null;
  readonly chunks: number;
  readonly seconds: number;
  readonly samples: readonly Sample[];
}

async function runPipeline(script: string, pipeline: PipelineName, tree: string, work: string) {
  const jobPath = join(work, 'job.json');
  writeFileSync(jobPath, JSON.stringify({ pipeline, tree, store: join(work, 'store') }));
  const started = performance.now();
  const child = spawn(process.execPath, [script, jobPath], { stdio: ['ignore', 'pipe', 'pipe'] });
  let progress: PipelineProgress = { files: 0, chunks: 0, stage: 'read' };
  let [complaints, late] = ['', false];
  const samples: Sample[] = [];
  const sampler = new TreeSampler(child.pid!, ({ seconds, pss }) =>
    samples.push({ seconds, files: progress.files, pss }),
  );
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, MINUTES * 60_000);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4000);
  });
  const closed = new Promise<string>((resolve) =>
    child.on('close', (code, signal) => resolve(String(code ?? signal))),
  );
  for await (const line of createInterface({ input: child.stdout })) {
    // What a library prints is no progress.
    if (line.startsWith('{"files"')) progress = JSON.parse(line) as PipelineProgress;
  }
  const status = await closed;
  clearTimeout(timer);
  sampler.stop();
  const failed = status === '0' ? null : `${status}: ${complaints.trim()}`;
  const ended = late ? `stopped after ${MINUTES} minutes` : failed;
  const seconds = (performance.now() - started) / 1000;
  return { stage: progress.stage, ended, chunks: progress.chunks, seconds, samples };
}

async function runTidemark(tree: string, work: string, model: string | null): Promise<Outcome> {
  const run = await indexRun({
    tree,
    index: join(work, 'index'),
    memory: MARK,
    embed: model !== null,
    ...(model === null ? {} : { model }),
    seconds: MINUTES * 60,
  });
  const { seconds, samples, summary, code, stderr } = run;
  const stopped = seconds >= MINUTES * 60 ? `stopped after ${MINUTES} minutes` : `${code}: ${stderr.trim()}`;
  return {
    stage: run.stages.at(-2)?.stage ?? '',
    ended: code === 0 ? null : stopped,
    chunks: summary?.chunks.written ?? 0,
    seconds,
    samples,
  };
}

/** Of samples that follow each other the one that took the most: no peak is lost. */
function thinned(samples: readonly Sample[]): Sample[] {
  const size = Math.ceil(samples.length / CURVE_POINTS);
  const kept: Sample[] = [];
  for (let i = 0; i < samples.length; i += size)
    kept.push(samples.slice(i, i + size).reduce((most, next) => (next.pss > most.pss ? next : most)));
  return kept;
}

function resultOf({ samples, ...outcome }: Outcome) {
  const files = samples.at(-1)?.files ?? 0;
  const peakBytes = samples.reduce((most, { pss }) => Math.max(most, pss), 0);
  // What a process takes before its first file is no cost of files.
  const before = samples.find((sample) => sample.files > 0)?.pss ?? 0;
  return {
    ...outcome,
    environment: environment(),
    files,
    peakBytes,
    bytesPer10000Files: files === 0 ? null : ((peakBytes - before) / files) * 10_000,
    curve: thinned(samples).map(({ seconds, files, pss }) =>
      [seconds, files, pss / MB].map((value) => Number(value.toFixed(1))),
    ),
  };
}
type Result = ReturnType<typeof resultOf>;

const corpus = await rssCorpus('kernel-10000');
const script = compileChild('pipeline', installPeers('peers/pipelines', PIPELINE_PEERS));
using server = await serveWordHashes();
const runs: Record<string, (work: string) => Promise<Outcome>> = {
  'tidemark, by words': (work) => runTidemark(corpus.dir, work, null),
  'tidemark, by words and vectors': (work) => runTidemark(corpus.dir, work, server.model),
  ...Object.fromEntries(
    PIPELINES.map((name) => [name, (work: string) => runPipeline(script, name, corpus.dir, work)]),
  ),
};

const known = existsSync(RESULTS)
  ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as { runs: Record<string, Result> }).runs
  : {};

async function record(): Promise<void> {
  const results = Object.keys(runs).flatMap((name) => {
    const result = known[name];
    return result === undefined ? [] : [[name, result] as const];
  });
  writeFileSync(
    RESULTS,
    `${JSON.stringify({ corpus: corpus.about, peers: PIPELINE_PEERS, memory: MARK, runs: Object.fromEntries(results) })}\n`,
  );
  writeFileSync(
    new URL('./peers.svg', RESULTS),
    await lineChart({
      title: `${corpus.title}: memory of all processes`,
      xTitle: 'files read',
      yTitle: 'MB',
      series: results.map(([name, { curve }]) => ({
        name,
        points: curve.map(([, files, pss]) => [files!, pss!] as const),
      })),
      mark: { value: parseSize(MARK) / MB, label: `tidemark's mark: ${MARK}` },
    }),
  );
  const head = ['', 'peak MB', 'files', 'chunks', 'seconds', 'MB per 10,000 files', 'ended'];
  const rows = results.map(([name, it]) => [
    name,
    (it.peakBytes / MB).toFixed(0),
    it.files,
    it.chunks,
    it.seconds.toFixed(0),
    it.bytesPer10000Files === null ? '-' : (it.bytesPer10000Files / MB).toFixed(0),
    it.ended === null ? 'done' : `${it.stage}: ${it.ended.slice(0, 200)}`,
  ]);
  console.log(table([head, ...rows]));
}

for (const [name, run] of Object.entries(runs)) {
  if (!name.includes(ONLY)) continue;
  const work = mkdtempSync(join(CORPORA, 'peers-run-'));
  try {
    known[name] = resultOf(await run(work));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  // An hour of runs that is interrupted leaves what it has.
  await record();
}

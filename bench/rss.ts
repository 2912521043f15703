/**
 * The resident set of `tidemark index` over a corpus, with a mark, sampled from outside. `npm run bench:rss -- --corpus kernel
 * --memory 512MB --no-embed`; `--minutes 60` interrupts the run then, and
 * `--cgroup 512MB` runs it in a control group with that limit. Corpora: see lib/rss-corpora.ts. Results:
 * bench/results/rss.json, where a run takes the place of the last one like it, and a picture of each.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSize } from '../src/memory/size.ts';
import { Cgroup } from './lib/cgroup.ts';
import { CORPORA } from './lib/corpora.ts';
import { type IndexRun, indexRun, type RunSample } from './lib/index-run.ts';
import { environment } from './lib/machine.ts';
import { rssCorpus } from './lib/rss-corpora.ts';
import { type DrawnRun, drawRun } from './lib/rss-picture.ts';
import { exponentOf, perFiles, slopeBetweenCopies, slopeByProgress, slopeByTime } from './lib/rss-slopes.ts';
import { table } from './lib/table.ts';

const { values: options } = parseArgs({
  allowNegative: true,
  options: {
    corpus: { type: 'string', default: 'kernel' },
    memory: { type: 'string', default: '512MB' },
    embed: { type: 'boolean', default: true },
    minutes: { type: 'string' },
    /** Runs in a control group with this limit; needs root. */
    cgroup: { type: 'string' },
    /** Writes no results. */
    trial: { type: 'boolean', default: false },
  },
});
const CURVE_POINTS = 500;
const MB = 1e6;
/** Of so many bytes a slope by 10,000 is one by GB. */
const SLOPE_BYTES = 1e5;
const FOLDER = new URL('./results/', import.meta.url);
const RESULTS = new URL('rss.json', FOLDER);

/** Of samples that follow each other the one that took the most: no peak is lost. */
function thinned(samples: readonly RunSample[]): RunSample[] {
  const size = Math.ceil(samples.length / CURVE_POINTS);
  const kept: RunSample[] = [];
  for (let i = 0; i < samples.length; i += size)
    kept.push(samples.slice(i, i + size).reduce((most, next) => (next.rss > most.rss ? next : most)));
  return kept;
}

const stageOf = (run: IndexRun, stage: string) => run.stages.find((entry) => entry.stage === stage)?.seconds;

const mark = parseSize(options.memory);
const corpus = await rssCorpus(options.corpus);
mkdirSync(CORPORA, { recursive: true });
const index = mkdtempSync(join(CORPORA, 'rss-index-'));
let run: IndexRun;
let group: { readonly kills: number; readonly peakBytes: number | null } | null = null;
try {
  const cgroup =
    options.cgroup === undefined ? null : new Cgroup(`tidemark-${process.pid}`, parseSize(options.cgroup));
  using _ = cgroup;
  run = await indexRun({
    wrapper: cgroup?.wrapper ?? [],
    tree: corpus.dir,
    index: join(index, 'index'),
    memory: options.memory,
    embed: options.embed,
    seconds: options.minutes === undefined ? undefined : Number(options.minutes) * 60,
  });
  if (cgroup !== null) group = { kills: cgroup.kills, peakBytes: cgroup.peakBytes };
} finally {
  rmSync(index, { recursive: true, force: true });
}

const { samples, summary, steps, stages } = run;
if (samples.length === 0) throw new Error(`it did not run: ${run.stderr}`);
const lexicalEnd = stageOf(run, 'maintenance') ?? run.seconds;
const semanticStart = stageOf(run, 'semantic');
const lexical = samples.filter(({ seconds }) => seconds <= lexicalEnd);
const semantic = samples.filter(({ seconds }) => semanticStart !== undefined && seconds >= semanticStart);
const files = samples.at(-1)!.files;
const lexicalSlope = slopeByProgress(lexical, (sample) => sample.files);
const lexicalSlopeByTime = slopeByTime(lexical, (sample) => sample.files);
const copiesSlope = corpus.twice === true ? slopeBetweenCopies(lexical) : null;
const semanticSlope = semantic.length < 10 ? null : slopeByProgress(semantic, (sample) => sample.chunks);
const lexicalSlopeByGigabyte = slopeByProgress(lexical, (sample) => sample.bytes / SLOPE_BYTES);
const lexicalExponent = exponentOf(lexical, (sample) => sample.files);
const lexicalExponentByBytes = exponentOf(lexical, (sample) => sample.bytes);
const violations = samples.filter(({ pss }) => pss > mark).length;
const rssViolations = samples.filter(({ rss }) => rss > mark).length;
const count = (step: string) => steps.filter((entry) => entry.step === step).length;
const stepCounts = Object.fromEntries(
  [...new Set(steps.map(({ step }) => step))].map((step) => [step, count(step)]),
);
const chunksASecond =
  semantic.length < 2 ? null : semantic.at(-1)!.chunks / (semantic.at(-1)!.seconds - semantic[0]!.seconds);
const { totalChunks } = run;
/** At the rate of this run. */
const projectedSeconds =
  totalChunks === null || chunksASecond === null || chunksASecond === 0 ? null : totalChunks / chunksASecond;
const result = {
  environment: environment(),
  corpus: options.corpus,
  about: corpus.about,
  memory: options.memory,
  embed: options.embed,
  cgroup: options.cgroup === undefined ? null : { limit: options.cgroup, ...group },
  code: run.code,
  files,
  lexicalSeconds: lexicalEnd,
  seconds: run.seconds,
  cpuSeconds: run.cpuSeconds,
  filesASecond: files / lexicalEnd,
  peakBytes: run.peakPssBytes,
  peakRssBytes: run.peakRssBytes,
  peakParentBytes: Math.max(...samples.map(({ parent }) => parent)),
  samples: samples.length,
  violations,
  rssViolations,
  lexicalSlope,
  lexicalSlopeByTime,
  lexicalSlopeByGigabyte,
  copiesSlope,
  lexicalExponent,
  lexicalExponentByBytes,
  semanticSlope,
  chunksASecond,
  totalChunks,
  projectedSeconds,
  stepCounts,
  stages,
  summary,
};
process.stdout.write(
  `${table([
    ['', `${options.corpus}, ${options.memory}${options.embed ? '' : ', lexical lane'}`],
    ['exit code', run.code ?? String(run.signal)],
    ['files', files],
    ['seconds of the lexical lane', lexicalEnd.toFixed(0)],
    ['seconds in all', run.seconds.toFixed(0)],
    ['CPU seconds in all', run.cpuSeconds.toFixed(0)],
    ['files by second', (files / lexicalEnd).toFixed(0)],
    ['peak MB, shared pages counted once', (run.peakPssBytes / MB).toFixed(0)],
    ['peak MB, resident sets added up', (run.peakRssBytes / MB).toFixed(0)],
    ['samples above the mark', `${violations} of ${samples.length}`],
    ['of resident sets added up', rssViolations],
    ['CPU time grows with files to the power of', lexicalExponent?.toFixed(2) ?? '-'],
    ['with bytes', lexicalExponentByBytes?.toFixed(2) ?? '-'],
    ['MB by 10,000 files (95 %), each file counting as much', perFiles(lexicalSlope)],
    ['the same, each second counting as much', perFiles(lexicalSlopeByTime)],
    ['the same, the second copy of each file against the first', perFiles(copiesSlope)],
    ['MB by GB (95 %)', perFiles(lexicalSlopeByGigabyte)],
    ['MB by 10,000 chunks embedded (95 %)', perFiles(semanticSlope)],
    ['chunks embedded by second', chunksASecond?.toFixed(1) ?? '-'],
    [
      'hours that all chunks take at this rate',
      projectedSeconds === null ? '-' : `${(projectedSeconds / 3600).toFixed(1)} for ${totalChunks}`,
    ],
    ...(group === null ? [] : [['killed by the kernel', group.kills] as const]),
    [
      'steps',
      Object.entries(stepCounts)
        .map(([step, n]) => `${n} ${step}`)
        .join(', ') || 'none',
    ],
  ])}\n`,
);
if (run.code !== 0 && options.minutes === undefined) process.stdout.write(`${run.stderr}\n`);

if (!options.trial) {
  const name = [
    options.corpus,
    options.memory,
    ...(options.embed ? [] : ['lexical']),
    ...(options.cgroup === undefined ? [] : [`cgroup-${options.cgroup}`]),
  ].join('-');
  const known = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {};
  const curve = thinned(samples).map(({ seconds, files, chunks, rss, pss, parent, bytes }) =>
    [seconds, files, chunks, ...[rss, pss, parent, bytes].map((value) => value / MB)].map((value) =>
      Number(value.toFixed(1)),
    ),
  );
  const entry = { ...result, title: corpus.title, markBytes: mark, steps: steps.slice(0, 200), curve };
  writeFileSync(RESULTS, `${JSON.stringify({ ...known, [name]: entry })}\n`);
  await drawAll();
}

/** Draws what is on record. */
async function drawAll(): Promise<void> {
  const known = JSON.parse(readFileSync(RESULTS, 'utf8')) as Record<string, DrawnRun>;
  for (const [name, entry] of Object.entries(known))
    for (const [file, svg] of Object.entries(await drawRun(name, entry)))
      writeFileSync(new URL(file, FOLDER), svg);
}

/**
 * How long a search takes: warm by the size of the index, from the command line, and on a tree that no index is of. Trees
 * of Linux 6.1; their vectors are drawn (`lib/drawn-embedder.ts`), queries are embedded by the model. `npm run
 * bench:latency`; `-- --sizes 1k,100k` measures some sizes anew, `--trial` writes nothing. Results:
 * bench/results/latency.json.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type IndexEvent, openIndex } from '../src/index.ts';
import { MemoryBudget } from '../src/memory/budget.ts';
import { Governor } from '../src/memory/governor.ts';
import { runSemanticLane } from '../src/pipeline/semantic-lane.ts';
import { SummaryBuilder } from '../src/pipeline/summary.ts';
import { openStore } from '../src/store/open.ts';
import { baseChunks } from './lib/base-chunks.ts';
import { compileChild } from './lib/child-script.ts';
import { CORPORA } from './lib/corpora.ts';
import { DrawnEmbedder } from './lib/drawn-embedder.ts';
import { indexRun } from './lib/index-run.ts';
import type { LatencyJob, LatencyOutcome } from './lib/latency-child.ts';
import { NEW_TREES, TREES } from './lib/latency-trees.ts';
import { environment } from './lib/machine.ts';
import { QUESTIONS } from './lib/questions.ts';
import { percentile } from './lib/retrieval-metric.ts';
import { table } from './lib/table.ts';
import { readVectors } from './lib/vector-file.ts';

const DIR = join(CORPORA, 'latency');
const CLI = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const LIBRARY = new URL('../dist/src/index.js', import.meta.url).href;
type Size = keyof typeof TREES;
const MODES = ['lexical', 'semantic', 'hybrid'] as const;
const ROUNDS = 3;
const RESULTS = new URL('./results/latency.json', import.meta.url);
const COLD_RUNS = 9;

/** An index of all chunks of the tree, each with a vector; made once, and gone on with where it was cut short. */
async function indexOf(tree: string, at: string): Promise<void> {
  if (existsSync(at)) return;
  const part = `${at}.part`;
  const run = await indexRun({ tree, index: part, memory: '1GB', embed: false });
  if (run.code !== 0) throw new Error(`index ended with ${run.code}: ${run.stderr}`);
  const { vectors } = await baseChunks();
  await using embedder = new DrawnEmbedder(readVectors(vectors));
  {
    await using store = await openStore(part, { create: false, mode: 'write', root: realpathSync(tree) });
    using governor = new Governor({ budgetBytes: 8e9, onStep: () => {} });
    using inFlight = new MemoryBudget(100e6);
    const { id, dtype, dimensions } = await embedder.start();
    await store.setModel({ id, dtype, dimensions });
    const { signal } = new AbortController();
    const summary = new SummaryBuilder();
    for await (const event of runSemanticLane({
      store,
      embedder,
      inFlight,
      governor,
      summary,
      signal,
      giveUp: () => {},
    }))
      if (event.type === 'progress') process.stderr.write(`\r${event.done} of ${event.total} `);
    process.stderr.write('\n');
    await store.buildVectorIndexIfWorthIt();
    await store.maintain();
  }
  renameSync(part, at);
}

/** As many names as there are questions, from all over the index. */
async function symbolsOf(tree: string, at: string): Promise<string[]> {
  await using index = await openIndex(tree, { index: at });
  const names = new Set<string>();
  const { chunks } = await index.status();
  const every = Math.max(1, Math.floor(chunks / (4 * QUESTIONS.length)));
  let seen = 0;
  for await (const { symbol } of index.chunks()) {
    if (++seen % every === 0 && symbol !== null) names.add(symbol);
    if (names.size >= QUESTIONS.length) break;
  }
  return [...names];
}

async function warm(size: Size, script: string) {
  const tree = await TREES[size].make();
  const at = join(DIR, size);
  await indexOf(tree, at);
  const job: LatencyJob = {
    library: LIBRARY,
    tree,
    index: at,
    queries: [...QUESTIONS, ...(await symbolsOf(tree, at))],
    rounds: ROUNDS,
  };
  const file = join(DIR, 'job.json');
  writeFileSync(file, JSON.stringify(job));
  const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`searching ${size} ended with ${code}`);
  const { times, empty } = JSON.parse(out) as LatencyOutcome;
  await using index = await openIndex(tree, { index: at });
  const { chunks, vectors } = await index.status();
  const modes = Object.fromEntries(
    MODES.map((mode) => [mode, { p50: percentile(times[mode], 0.5), p95: percentile(times[mode], 0.95) }]),
  ) as Record<(typeof MODES)[number], { readonly p50: number; readonly p95: number }>;
  return { tree: TREES[size].title, chunks, vectors, searches: times.lexical.length, empty, ...modes };
}

/** Seconds from the start of a command to its first line. */
async function firstLine(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const first = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', () => resolve((performance.now() - started) / 1000));
    child.once('close', (code) => reject(new Error(`${args.join(' ')} ended with ${code} and no line`)));
  });
  if (child.exitCode === null) await new Promise((resolve) => child.once('close', resolve));
  return first;
}

/** A new process for each query. */
async function cold(size: Size) {
  const tree = await TREES[size].make();
  const seconds: Record<string, number> = {};
  for (const mode of MODES) {
    const times: number[] = [];
    for (const query of QUESTIONS.slice(0, COLD_RUNS))
      times.push(await firstLine(['search', query, tree, '--index', join(DIR, size), '--mode', mode]));
    seconds[mode] = percentile(times, 0.5);
  }
  return { runs: COLD_RUNS, seconds };
}

/** Seconds until `tidemark search`, asked again and again, finds something in a tree that is being indexed. */
async function firstHit(tree: string, at: string): Promise<number> {
  const started = performance.now();
  const indexing = spawn(process.execPath, [CLI, 'index', tree, '--index', at, '--no-embed'], {
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => indexing.once('close', resolve));
  try {
    for (;;) {
      const args = [CLI, 'search', QUESTIONS[0]!, tree, '--index', at, '--files', '--mode', 'lexical'];
      const { stdout } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      if (stdout.length > 0) return (performance.now() - started) / 1000;
      if (indexing.exitCode !== null) throw new Error(`nothing is found in ${tree}`);
      await sleep(100);
    }
  } finally {
    indexing.kill('SIGINT');
    await ended;
    rmSync(at, { recursive: true, force: true });
  }
}

/** `tidemark index` of a tree that no index is of, and `tidemark search` as soon as its lexical lane is done. */
async function neverIndexed(title: string, tree: string) {
  const at = join(tmpdir(), `tidemark-bench-latency-${process.pid}`);
  const hit = await firstHit(tree, at);
  const started = performance.now();
  const since = () => (performance.now() - started) / 1000;
  const child = spawn(process.execPath, [CLI, 'index', tree, '--index', at, '--json', '--events'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let [files, bytes, chunks] = [0, 0, 0];
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line) as IndexEvent;
      if (event.type === 'progress' && event.lane === 'lexical') ({ done: files, bytes } = event);
      if (event.type === 'start' && event.lane === 'semantic') break;
    }
    const lexicalLane = since();
    await firstLine(['search', QUESTIONS[0]!, tree, '--index', at]);
    const firstResult = since();
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('close', resolve));
    await using index = await openIndex(tree, { index: at });
    ({ chunks } = await index.status());
    return { tree: title, files, bytes, chunks, firstHit: hit, lexicalLane, firstResult };
  } finally {
    child.kill('SIGKILL');
    rmSync(at, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: { sizes: { type: 'string' }, trial: { type: 'boolean', default: false } },
});
const sizes = (values.sizes?.split(',') ?? Object.keys(TREES)) as Size[];
mkdirSync(DIR, { recursive: true });
writeFileSync(join(DIR, 'package.json'), '{ "type": "module" }\n');
const script = compileChild('latency-child', DIR);
const found: Partial<Record<Size, Awaited<ReturnType<typeof measured>>>> = {};
async function measured(size: Size) {
  return { environment: environment(), ...(await warm(size, script)), command: await cold(size) };
}
for (const size of sizes) {
  found[size] = await measured(size);
  process.stderr.write(`${JSON.stringify(found[size])}\n`);
}
const fresh: Awaited<ReturnType<typeof neverIndexed>>[] = [];
for (const [title, make] of Object.entries(NEW_TREES)) fresh.push(await neverIndexed(title, await make()));
const known = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')).sizes as typeof found) : {};
const rows = (Object.keys(TREES) as Size[]).flatMap((size) => found[size] ?? known[size] ?? []);
const ms = (value: number) => value.toFixed(1);
const s = (value: number) => value.toFixed(2);
process.stdout.write(
  `${table([
    ['warm', 'chunks', ...MODES.flatMap((mode) => [`${mode} p50 ms`, 'p95'])],
    ...rows.map((row) => [
      row.tree,
      row.chunks,
      ...MODES.flatMap((mode) => [ms(row[mode].p50), ms(row[mode].p95)]),
    ]),
  ])}\n\n${table([
    ['tidemark search, seconds to the first line', ...MODES],
    ...rows.map(({ tree, command }) => [tree, ...MODES.map((mode) => s(command.seconds[mode]!))]),
  ])}\n\n${table([
    [
      'files that were never indexed',
      'files',
      'MB',
      'chunks',
      'seconds to a first hit',
      'to the end of the lexical lane',
      'to a result',
    ],
    ...fresh.map(({ tree, files, bytes, chunks, firstHit, lexicalLane, firstResult }) => [
      tree,
      files,
      (bytes / 1e6).toFixed(1),
      chunks,
      s(firstHit),
      s(lexicalLane),
      s(firstResult),
    ]),
  ])}\n`,
);
if (!values.trial) {
  const report = { sizes: { ...known, ...found }, fresh: { environment: environment(), trees: fresh } };
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toFixed(4)) : value;
  writeFileSync(RESULTS, `${JSON.stringify(report, rounded, 1)}\n`);
}

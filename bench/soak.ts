/**
 * `tidemark watch` over a tree that people work in: 10,000 edits, 1,000 renames and 100 switches between two branches, both
 * lanes. The resident set of all its processes over the rounds, and whether it grows. `npm run bench:soak`; BENCH_ROUNDS=50
 * makes fewer rounds (a trial: nothing is written), BENCH_ROUNDS=2000 more. Results: bench/results/soak.json and soak.svg.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type IndexEvent, openIndex, type Summary } from '../src/index.ts';
import { parseSize } from '../src/memory/size.ts';
import { seeded } from '../test/support/chunking.ts';
import { writeTinyModel } from '../test/support/tiny-model.ts';
import { editLines } from './lib/edit-lines.ts';
import { makeGateTree, sourceFiles } from './lib/gate/gate-tree.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { trend } from './lib/slope.ts';
import { table } from './lib/table.ts';
import { TreeSampler } from './lib/tree-sampler.ts';

const MAIN = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const MEMORY = '512MB';
const FILES = 600;
const ROUNDS = 1000;
const EDITS = 10;
/** Every so many rounds the other branch is checked out, in which so many files differ. */
const SWITCH_EVERY = 10;
const DIFFERING = 100;
const WARM_PART = 0.1;
/** What is held between the rounds shows in the least of so many of them; the most depends on what a round happens to do. */
const FLOOR_ROUNDS = 10;
/** By then caches and the pages of the programs that are ever touched are in memory. */
const LATE_PART = 0.7;

const rounds = Number(process.env.BENCH_ROUNDS ?? ROUNDS);
const base = mkdtempSync(join(tmpdir(), 'tidemark-soak-'));
const [tree, other, model] = [join(base, 'tree'), join(base, 'other'), join(base, 'model')];
const random = seeded(11);
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

makeGateTree(tree, FILES);
writeTinyModel(model);
let paths = sourceFiles(tree);
/** Lines of each file: it stays about as long, or memory would follow the tree. */
const usual = new Map(paths.map((path) => [path, readFileSync(path, 'utf8').split('\n').length]));
const differing = paths.slice(0, DIFFERING).map((path) => path.slice(tree.length + 1));
for (const path of differing) {
  mkdirSync(dirname(join(other, path)), { recursive: true });
  writeFileSync(join(other, path), `// the other branch\n${readFileSync(join(tree, path), 'utf8')}`);
}

/** Swaps the files in which the branches differ, as they are by now. */
function switchBranch(): void {
  for (const path of differing) {
    const [mine, theirs, between] = [join(tree, path), join(other, path), join(base, 'between')];
    cpSync(mine, between);
    cpSync(theirs, mine);
    renameSync(between, theirs);
  }
}

/** How many things do not fit together in the index. */
async function verify(): Promise<number> {
  await using index = await openIndex(tree, { index: join(base, 'index') });
  return (await index.verify()).damage.reduce((sum, { count }) => sum + count, 0);
}

const counts = { edits: 0, renames: 0, switches: 0 };
function work(round: number): void {
  const free = paths.filter((path) => !differing.includes(path.slice(tree.length + 1)));
  for (let i = 0; i < EDITS; i++, counts.edits++) {
    const path = pick(free);
    editLines(path, random, usual.get(path)!);
  }
  const from = pick(free);
  const to = from.replace(/(-r\d+)?(\.\w+)$/, `-r${round}$2`);
  renameSync(from, to);
  usual.set(to, usual.get(from)!);
  usual.delete(from);
  counts.renames++;
  paths = paths.map((path) => (path === from ? to : path));
  if (round % SWITCH_EVERY !== 0) return;
  switchBranch();
  counts.switches++;
}

const samples: { readonly round: number; readonly rss: number; readonly pss: number }[] = [];
const args = [MAIN, 'watch', tree, '--index', join(base, 'index'), '--memory', MEMORY, '--model', model];
const child = spawn(process.execPath, [...args, '--json', '--events'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
let round = 0;
const sampler = new TreeSampler(child.pid!, ({ rss, pss }) => samples.push({ round, rss, pss }));
const started = performance.now();
let steps = 0;
for await (const line of createInterface({ input: child.stdout })) {
  const event = JSON.parse(line) as IndexEvent | Summary;
  if ('type' in event) {
    if (event.type === 'degraded') steps++;
    continue;
  }
  if (round === rounds) {
    child.kill('SIGINT');
    continue;
  }
  // A round may be told in two parts, where its changes were seen in two: then the second comes with the next one.
  work(++round);
  if (round % 50 === 0)
    process.stderr.write(`${round} of ${rounds}: ${(samples.at(-1)!.pss / 1e6).toFixed(0)} MB\n`);
}
sampler.stop();
const problems = await verify();
rmSync(base, { recursive: true, force: true });
const seconds = (performance.now() - started) / 1000;
if (round < rounds) throw new Error(`it ended after ${round} rounds`);

const warm = samples.filter((sample) => sample.round >= rounds * WARM_PART);
/** The most of each round: between the peaks the process only waits. Resident sets: shares rise when others end. */
const peaks = Array.from({ length: rounds + 1 }, () => 0);
for (const { round, rss } of warm) peaks[round] = Math.max(peaks[round]!, rss);
const points = peaks.map((bytes, round) => [round, bytes] as const).filter(([, bytes]) => bytes > 0);
const least = new Map<number, number>();
for (const { round, rss } of warm) {
  const from = round - (round % FLOOR_ROUNDS);
  least.set(from, Math.min(least.get(from) ?? rss, rss));
}
// The last round is a stretch of its own.
const floors = [...least].filter(([from]) => from < rounds);
const slopeFrom = (of: readonly (readonly [number, number])[], part: number) =>
  trend(
    of
      .filter(([round]) => round >= rounds * part)
      .map(([round, bytes]) => [round / 1000, bytes / 1e6] as const),
  );
const [slopes, lateSlopes] = [slopeFrom(points, WARM_PART), slopeFrom(points, LATE_PART)];
const floorSlopes = slopeFrom(floors, WARM_PART);
const interval = ({ slope, low, high }: typeof slopes) =>
  `${slope.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
const mark = parseSize(MEMORY);
const peakBytes = Math.max(...samples.map(({ pss }) => pss));
const peakRssBytes = Math.max(...samples.map(({ rss }) => rss));
const violations = samples.filter(({ pss }) => pss > mark).length;
process.stdout.write(
  `${table([
    ['', `${rounds} rounds`],
    ['edits, renames, switches', `${counts.edits}, ${counts.renames}, ${counts.switches}`],
    ['seconds', seconds.toFixed(0)],
    ['peak MB, shared pages counted once', (peakBytes / 1e6).toFixed(0)],
    ['peak MB, resident sets added up', (peakRssBytes / 1e6).toFixed(0)],
    ['samples above the mark', `${violations} of ${samples.length}`],
    [`MB by 1,000 rounds after ${WARM_PART * 100} % of them (95 %)`, interval(slopes)],
    [`after ${LATE_PART * 100} %`, interval(lateSlopes)],
    [`of the least of each ${FLOOR_ROUNDS} rounds`, interval(floorSlopes)],
    ['steps down', steps],
    ['what does not fit together in the index', problems],
  ])}\n`,
);
if (rounds >= ROUNDS) {
  const folder = new URL('./results/', import.meta.url);
  const rounded = (of: readonly (readonly [number, number])[]) =>
    of.map(([round, bytes]) => [round, Number((bytes / 1e6).toFixed(1))]);
  const result = {
    environment: environment(),
    memory: MEMORY,
    files: FILES,
    ...counts,
    seconds,
    peakBytes,
    peakRssBytes,
    violations,
    samples: samples.length,
    slopes,
    lateSlopes,
    floorSlopes,
    steps,
    problems,
    curve: rounded(points),
    floors: rounded(floors),
  };
  writeFileSync(new URL('soak.json', folder), `${JSON.stringify(result)}\n`);
  writeFileSync(
    new URL('soak.svg', folder),
    await lineChart({
      title: `tidemark watch: ${counts.edits} edits, ${counts.renames} renames, ${counts.switches} switches of branch`,
      xTitle: 'rounds',
      yTitle: 'MB',
      series: [
        {
          name: 'most of each round, all processes',
          points: points.map(([round, bytes]) => [round, bytes / 1e6] as const),
        },
        {
          name: `least of each ${FLOOR_ROUNDS} rounds`,
          points: floors.map(([round, bytes]) => [round, bytes / 1e6] as const),
        },
      ],
      mark: { value: mark / 1e6, label: `the mark: ${MEMORY}` },
    }),
  );
}

/**
 * How well a search finds what it should: the benchmark of `lib/quality-set.ts` through the public API, and what each rule
 * of the ranking is worth. `BENCH_QUALITY=DIR npm run bench:quality`. BENCH_MEMORY=512MB sets the mark for indexing; the
 * indexes stay in bench/corpora for the next run. Trials, of which nothing is written: BENCH_REPOS=redux,gson
 * takes some repositories, BENCH_ABLATIONS=0 leaves the ablations out. Results: bench/results/quality.json.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEmbedder } from '../src/embed/create-embedder.ts';
import type { SearchMode } from '../src/index.ts';
import { RANKING, type Ranking } from '../src/search/ranking.ts';
import { search } from '../src/search/search.ts';
import { openStore } from '../src/store/open.ts';
import { environment } from './lib/machine.ts';
import { type Answer, ask, type IndexedRepo, indexesOf, indexRepo } from './lib/quality-run.ts';
import { checkout, definition, type JudgedRepo, judgedRepos } from './lib/quality-set.ts';
import { DEPTH, judge, mean, percentile } from './lib/retrieval-metric.ts';
import { table } from './lib/table.ts';

const MEMORY = process.env.BENCH_MEMORY ?? null;
const INDEXES = indexesOf(MEMORY);
const ABLATE = process.env.BENCH_ABLATIONS !== '0';
const MODES: readonly SearchMode[] = ['hybrid', 'lexical', 'semantic'];

const { fields } = RANKING;
/** The ranking without one of its rules. */
const ABLATIONS: Readonly<Record<string, Partial<Ranking>>> = {
  'all rules': {},
  'words of the text alone, of no names': {
    fields: { text: 1, file: 0, directory: 0, definition: 0 },
  },
  'without the field of file names': { fields: { ...fields, file: 0 } },
  'without the field of directories': { fields: { ...fields, directory: 0 } },
  'without the field of definitions': { fields: { ...fields, definition: 0 } },
  'without the match of file names': { fileName: 0 },
  'without the lead of definitions': { definition: 0 },
  'by the best chunk of a file alone': { more: 0 },
  'tests not behind': { tests: 1 },
  'examples not behind': { examples: 1 },
  'copies not behind': { copies: 1 },
  'docs not behind': { docs: 1 },
  'older versions not behind': { older: 1 },
  'words in full, however few of them are found': { wellSaid: 0 },
  'further hits of a file at their own rank': { repeat: 1 },
  'none of these': {
    fields: { text: 1, file: 0, directory: 0, definition: 0 },
    fileName: 0,
    definition: 0,
    path: 0,
    more: 0,
    tests: 1,
    examples: 1,
    copies: 1,
    docs: 1,
    older: 1,
    wellSaid: 0,
    repeat: 1,
  },
};

type Embed = (query: string) => Promise<Float32Array>;

/** NDCG@10 of a repository under each ablation, by both modes. */
async function ablate(repo: JudgedRepo, at: string, embed: Embed): Promise<Map<string, [number, number]>> {
  const vectors = new Map<string, Float32Array>();
  for (const { query } of repo.queries) vectors.set(query, await embed(query));
  await using store = await openStore(at, { create: false, mode: 'read' });
  const known = async (query: string) => vectors.get(query)!;
  const results = new Map<string, [number, number]>();
  for (const [name, without] of Object.entries(ABLATIONS)) {
    const ranking = { ...RANKING, ...without };
    const score = async (mode: SearchMode) => {
      const scores: number[] = [];
      for (const judged of repo.queries) {
        const { hits } = await search(store, judged.query, { mode, limit: DEPTH }, known, ranking);
        scores.push(judge(repo, judged, hits).ndcg);
      }
      return mean(scores);
    };
    results.set(name, [await score('hybrid'), await score('lexical')]);
  }
  return results;
}

const only = process.env.BENCH_REPOS?.split(',');
const repos = judgedRepos(definition()).filter(({ name }) => only?.includes(name) ?? true);
const runs = new Map<string, IndexedRepo>();
const rows = new Map<SearchMode, Answer[]>(MODES.map((mode) => [mode, []]));
const ablations = new Map(Object.keys(ABLATIONS).map((name) => [name, [] as [number, number][]]));
const embedder = createEmbedder({});
await embedder.start();
const embed: Embed = async (query) => (await embedder.embed([query], { purpose: 'query' })).vectors;
for (const repo of repos) {
  const root = checkout(repo);
  const at = join(INDEXES, repo.name);
  const run = await indexRepo(root, at, MEMORY);
  runs.set(repo.name, run);
  for (const mode of MODES) rows.get(mode)!.push(...(await ask(repo, root, at, mode)));
  const ndcg = (mode: SearchMode) =>
    mean(
      rows
        .get(mode)!
        .filter((row) => row.repo === repo.name)
        .map((row) => row.ndcg),
    ).toFixed(3);
  const covered = run.coverage < 1 ? `, ${Math.floor(run.coverage * 100)} % embedded` : '';
  process.stderr.write(
    `${repo.name}: ${MODES.map((mode) => `${mode} ${ndcg(mode)}`).join(', ')}${covered}\n`,
  );
}
for (const repo of ABLATE ? repos : []) {
  for (const [name, scores] of await ablate(repo, join(INDEXES, repo.name), embed))
    ablations.get(name)!.push(scores);
}
await embedder.dispose();

const names = repos.map(({ name }) => name);
/** The mean over repositories, of those queries that fit. */
function over(
  mode: SearchMode,
  of: (row: Answer) => number,
  fits: (row: Answer) => boolean = () => true,
): number {
  const means = names.map((name) =>
    rows
      .get(mode)!
      .filter((row) => row.repo === name && fits(row))
      .map(of),
  );
  return mean(means.filter((values) => values.length > 0).map(mean));
}
const digits = (value: number) => value.toFixed(3);
const ndcg = (row: Answer) => row.ndcg;
const half = (rest: number) => (row: Answer) => names.indexOf(row.repo) % 2 === rest;
const overall = MODES.map((mode) => {
  const times = rows.get(mode)!.map(({ milliseconds }) => milliseconds);
  return {
    mode,
    ndcg: over(mode, ndcg),
    firstHalf: over(mode, ndcg, half(0)),
    secondHalf: over(mode, ndcg, half(1)),
    recall: over(mode, ({ recall }) => recall),
    mrr: over(mode, ({ rr }) => rr),
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
  };
});
const head = ['mode', 'NDCG@10', 'half 1', 'half 2', 'recall@10', 'MRR', 'p50 ms', 'p95 ms'];
const print = (cells: (string | number)[][]) => process.stdout.write(`${table(cells)}\n\n`);
print([
  head,
  ...overall.map(({ mode, p50, p95, ...scores }) => [
    mode,
    ...Object.values(scores).map(digits),
    p50.toFixed(1),
    p95.toFixed(1),
  ]),
]);
const by = (key: 'language' | 'category') =>
  [...new Set(rows.get('hybrid')!.map((row) => row[key]))].map((value) => ({
    [key]: value,
    ...Object.fromEntries(MODES.map((mode) => [mode, over(mode, ndcg, (row) => row[key] === value)])),
  })) as Record<string, string | number>[];
const groups = { category: by('category'), language: by('language') };
for (const [key, group] of Object.entries(groups))
  print([
    [key, ...MODES],
    ...group.map((line) => [line[key]!, ...MODES.map((mode) => digits(Number(line[mode])))]),
  ]);
const without = [...ablations].map(([name, scores]) => {
  const halves = [0, 1].map((rest) => scores.filter((_, i) => i % 2 === rest));
  const at = (mode: 0 | 1, of = scores) => mean(of.map((pair) => pair[mode]));
  return {
    name,
    hybrid: at(0),
    lexical: at(1),
    hybridHalves: halves.map((of) => at(0, of)),
    lexicalHalves: halves.map((of) => at(1, of)),
  };
});
if (ABLATE)
  print([
    ['ranking', 'hybrid', 'lexical', 'hybrid, halves', 'lexical, halves'],
    ...without.map((line) => [
      line.name,
      digits(line.hybrid),
      digits(line.lexical),
      line.hybridHalves.map(digits).join(' '),
      line.lexicalHalves.map(digits).join(' '),
    ]),
  ]);
const known = [...runs.values()].map(({ summary }) => summary);
const seconds = mean(known.map((summary) => summary.seconds));
const peak = Math.max(...known.map(({ peakRssBytes }) => peakRssBytes));
const chunks = [...runs.values()].reduce((sum, run) => sum + run.chunks, 0);
process.stdout.write(
  `${chunks} chunks; index of a repository ${seconds.toFixed(1)} s in the mean, peak ${(peak / 1e6).toFixed(0)} MB\n`,
);
if (only === undefined && ABLATE) {
  const report = {
    environment: environment(),
    memory: MEMORY,
    overall,
    ...groups,
    ablations: without,
    repositories: names.map((name) => ({
      name,
      ...runs.get(name)!,
      summary: undefined,
      seconds: runs.get(name)!.summary.seconds,
      peakRssBytes: runs.get(name)!.summary.peakRssBytes,
      ...Object.fromEntries(MODES.map((mode) => [mode, over(mode, ndcg, (row) => row.repo === name)])),
    })),
  };
  writeFileSync(
    new URL('./results/quality.json', import.meta.url),
    `${JSON.stringify(report, (_, value) => (typeof value === 'number' ? Number(value.toFixed(4)) : value), 1)}\n`,
  );
}

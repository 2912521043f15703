/**
 * Whether the mark under which a repository is indexed changes what a search finds in it: the benchmark of
 * `lib/quality-set.ts` over its smaller repositories, each indexed under several marks. `BENCH_QUALITY=DIR npm run
 * bench:quality-marks`; BENCH_REPOS=redux,gson takes some repositories and writes nothing. Results:
 * bench/results/quality-marks.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SearchMode } from '../src/index.ts';
import { environment } from './lib/machine.ts';
import { type Answer, ask, indexesOf, indexRepo } from './lib/quality-run.ts';
import { checkout, definition, judgedRepos } from './lib/quality-set.ts';
import { mean } from './lib/retrieval-metric.ts';
import { table } from './lib/table.ts';

/** The default one, the usual one, and the smallest that works with the bundled model. */
const MARKS = [null, '512MB', '450MB'] as const;
const MODES: readonly SearchMode[] = ['hybrid', 'lexical', 'semantic'];
/** Embedding a chunk takes a CPU 30 milliseconds or so, and each is embedded under each mark. */
const MAX_CHUNKS = 1000;

interface Known {
  readonly repositories: readonly { readonly name: string; readonly chunks: number }[];
}

const known = JSON.parse(readFileSync(new URL('./results/quality.json', import.meta.url), 'utf8')) as Known;
const only = process.env.BENCH_REPOS?.split(',');
const small = known.repositories.filter(({ chunks }) => chunks <= MAX_CHUNKS).map(({ name }) => name);
const repos = judgedRepos(definition()).filter(({ name }) => (only ?? small).includes(name));
const key = (mark: string | null, mode: SearchMode) => `${mark ?? 'default'} ${mode}`;
const answers = new Map<string, Answer[]>();
let chunks = 0;
for (const repo of repos) {
  const root = checkout(repo);
  for (const mark of MARKS) {
    const at = join(indexesOf(mark), repo.name);
    const run = await indexRepo(root, at, mark);
    if (mark === null) chunks += run.chunks;
    for (const mode of MODES) {
      const of = key(mark, mode);
      answers.set(of, [...(answers.get(of) ?? []), ...(await ask(repo, root, at, mode))]);
    }
  }
  process.stderr.write(`${repo.name}\n`);
}

const rows = MARKS.flatMap((mark) =>
  MODES.map((mode) => {
    const these = answers.get(key(mark, mode))!;
    const those = answers.get(key(null, mode))!;
    const differences = these.map(({ ndcg }, i) => ndcg - those[i]!.ndcg);
    return {
      mark: mark ?? 'default',
      mode,
      ndcg: mean(these.map(({ ndcg }) => ndcg)),
      /** Share of the queries with the very hits of the default mark, in their order. */
      same: mean(these.map(({ places }, i) => Number(places.join() === those[i]!.places.join()))),
      largest: Math.max(...differences.map(Math.abs)),
      better: differences.filter((difference) => difference > 0).length,
      worse: differences.filter((difference) => difference < 0).length,
    };
  }),
);
process.stdout.write(
  `${table([
    ['mark', 'mode', 'NDCG@10', 'same hits', 'queries better', 'worse', 'largest difference'],
    ...rows.map(({ mark, mode, ndcg, same, better, worse, largest }) => [
      mark,
      mode,
      ndcg.toFixed(4),
      `${(same * 100).toFixed(1)} %`,
      better,
      worse,
      largest.toFixed(3),
    ]),
  ])}\n${repos.length} repositories, ${rows.length > 0 ? answers.get(key(null, 'hybrid'))!.length : 0} queries, ${chunks} chunks\n`,
);
if (only === undefined) {
  const report = { environment: environment(), repositories: repos.map(({ name }) => name), chunks, rows };
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toFixed(4)) : value;
  writeFileSync(
    new URL('./results/quality-marks.json', import.meta.url),
    `${JSON.stringify(report, rounded, 1)}\n`,
  );
}

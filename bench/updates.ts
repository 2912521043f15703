/**
 * An index that lives: a tree of real files is edited and brought up to date a thousand times. Disk use, time to open and
 * to search over the updates, against a fresh index of the tree as it is in the end. `npm run bench:updates`;
 * BENCH_UPDATES=100 makes fewer (a trial: nothing is written). Results: bench/results/updates.json, updates-disk.svg and
 * updates-latency.svg.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openIndex, type SearchMode, type Summary } from '../src/index.ts';
import { seeded } from '../test/support/chunking.ts';
import { writeTinyModel } from '../test/support/tiny-model.ts';
import { npmPackage } from './lib/corpora.ts';
import { editLines } from './lib/edit-lines.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { trend } from './lib/slope.ts';
import { table } from './lib/table.ts';

const UPDATES = 1000;
const SAMPLES = 50;
/** Files that an update finds changed. */
const EDITS = 3;
/** Embedding starts a process of its own, so not each update embeds. */
const EMBED_EVERY = 10;
const QUERIES = [
  'retry with backoff',
  'Schedule recurs',
  'how is a fiber interrupted',
  'decode unknown input',
];
const MEMORY = '512MB';

interface Sample {
  readonly updates: number;
  readonly diskBytes: number;
  /** Median milliseconds: to open the index and list its first file, and of a search of each kind. */
  readonly open: number;
  readonly lexical: number;
  readonly semantic: number;
}

const given = process.env.BENCH_UPDATES;
const updates = Number(given ?? UPDATES);
const base = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
const [tree, model, fresh] = [join(base, 'tree'), join(base, 'model'), join(base, 'fresh')];
const random = seeded(8);

function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((path) => join(dir, path))
    .filter((path) => path.endsWith('.ts') && statSync(path).isFile());
}

async function update(dir: string, embed: boolean): Promise<Summary> {
  await using index = await openIndex(dir, { model, memory: MEMORY });
  for await (const event of index.update({ embed })) if (event.type === 'done') return event.summary;
  throw new Error('the update did not end');
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function times(count: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await work(i);
    taken.push(performance.now() - started);
  }
  return median(taken);
}

async function measure(dir: string, done: number): Promise<Sample> {
  const open = await times(5, async () => {
    await using index = await openIndex(dir, { model, memory: MEMORY });
    for await (const _ of index.files()) break;
  });
  await using index = await openIndex(dir, { model, memory: MEMORY });
  const search = (mode: SearchMode) => (i: number) =>
    index.search(QUERIES[i % QUERIES.length]!, { mode, limit: 10 });
  for (const mode of ['lexical', 'semantic'] as const) await times(QUERIES.length, search(mode));
  return {
    updates: done,
    diskBytes: (await index.status()).sizeBytes,
    open,
    lexical: await times(40, search('lexical')),
    semantic: await times(40, search('semantic')),
  };
}

const samples: Sample[] = [];
let freshSample: Sample;
let seconds: number;
try {
  cpSync(join(npmPackage('effect@3.22.4').dir, 'src'), tree, { recursive: true });
  writeTinyModel(model);
  await update(tree, true);
  samples.push(await measure(tree, 0));
  const files = filesOf(tree);
  const started = performance.now();
  for (let done = 1; done <= updates; done++) {
    for (let i = 0; i < EDITS; i++) editLines(files[Math.floor(random() * files.length)]!, random);
    await update(tree, done % EMBED_EVERY === 0 || done === updates);
    if (done % Math.ceil(updates / SAMPLES) !== 0 && done !== updates) continue;
    samples.push(await measure(tree, done));
    const { diskBytes, lexical, open } = samples.at(-1)!;
    process.stderr.write(
      `${done}: ${(diskBytes / 1e6).toFixed(1)} MB, open ${open.toFixed(0)} ms, search ${lexical.toFixed(1)} ms\n`,
    );
  }
  seconds = (performance.now() - started) / 1000;
  cpSync(tree, fresh, { recursive: true, filter: (path) => !path.endsWith('.tidemark') });
  await update(fresh, true);
  freshSample = await measure(fresh, 0);
} finally {
  rmSync(base, { recursive: true, force: true });
}

const last = samples.at(-1)!;
const settled = samples.slice(1);
/** Of the value, for 1,000 updates, as a share of what a fresh index has. */
const growth = (value: (sample: Sample) => number) => {
  const { slope, low, high } = trend(
    settled.map((sample) => [sample.updates / 1000, value(sample)] as const),
  );
  const whole = value(freshSample);
  return { slope: slope / whole, low: low / whole, high: high / whole };
};
const measures = {
  diskBytes: (sample: Sample) => sample.diskBytes,
  open: (sample: Sample) => sample.open,
  lexical: (sample: Sample) => sample.lexical,
  semantic: (sample: Sample) => sample.semantic,
};
const names: Record<keyof typeof measures, string> = {
  diskBytes: 'disk, MB',
  open: 'open, ms',
  lexical: 'search by words, ms',
  semantic: 'search by meaning, ms',
};
const report = (Object.keys(measures) as (keyof typeof measures)[]).map((key) => {
  const value = measures[key];
  const values = settled.map(value);
  return {
    key,
    fresh: value(freshSample),
    last: value(last),
    most: Math.max(...values),
    growth: growth(value),
  };
});
const shown = (key: keyof typeof measures, value: number) =>
  (key === 'diskBytes' ? value / 1e6 : value).toFixed(1);
process.stdout.write(
  `${table([
    [
      '',
      'fresh index',
      `after ${updates} updates`,
      'most',
      'most / fresh',
      'growth in 1,000 updates, share of fresh (95 %)',
    ],
    ...report.map(({ key, fresh, last, most, growth: { slope, low, high } }) => [
      names[key],
      shown(key, fresh),
      shown(key, last),
      shown(key, most),
      (most / fresh).toFixed(2),
      `${slope.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`,
    ]),
  ])}\n${(seconds / updates).toFixed(2)} s an update\n`,
);
if (given === undefined) {
  const folder = new URL('./results/', import.meta.url);
  const written = { environment: environment(), updates, seconds, fresh: freshSample, report, samples };
  writeFileSync(new URL('updates.json', folder), `${JSON.stringify(written, null, 1)}\n`);
  const points = (value: (sample: Sample) => number) =>
    samples.map((sample) => [sample.updates, value(sample)] as const);
  writeFileSync(
    new URL('updates-disk.svg', folder),
    await lineChart({
      title: 'Disk that the index takes over updates',
      xTitle: 'updates',
      yTitle: 'MB',
      series: [{ name: 'index', points: points(({ diskBytes }) => diskBytes / 1e6) }],
      mark: { value: (1.5 * freshSample.diskBytes) / 1e6, label: '1.5 times a fresh index' },
    }),
  );
  writeFileSync(
    new URL('updates-latency.svg', folder),
    await lineChart({
      title: 'Time to open and to search over updates',
      xTitle: 'updates',
      yTitle: 'ms',
      series: (['open', 'lexical', 'semantic'] as const).map((key) => ({
        name: names[key],
        points: points(measures[key]),
      })),
    }),
  );
}

/**
 * Indexes three source trees that were not written for it, samples memory from outside, and asks each three questions
 * whose answers were looked up by hand beforehand. `npm run bench:trees [-- NAME...]`; needs the npm registry, and for
 * redis a Debian with deb-src entries. Results: bench/results/trees.json.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Hit, Summary } from '../src/index.ts';
import { parseSize } from '../src/memory/size.ts';
import { debianSource, npmPackage, pythonLibrary } from './lib/corpora.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { OutsideSampler } from './lib/sampler.ts';
import { table } from './lib/table.ts';

interface Question {
  readonly query: string;
  /** The hit must be in this file and hold this text. */
  readonly path: string;
  readonly text: string;
}

interface Tree {
  readonly name: string;
  readonly fetch: () => string;
  readonly questions: readonly Question[];
}

const CLI = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const RESULTS = fileURLToPath(new URL('./results/trees.json', import.meta.url));
const MEMORY = process.env.BENCH_MEMORY ?? '1GB';
const DEPTH = 20;

const TREES: readonly Tree[] = [
  {
    name: 'python-stdlib',
    fetch: pythonLibrary,
    questions: [
      {
        query: 'split a command line into arguments the way a shell does',
        path: 'shlex.py',
        text: 'def split(',
      },
      { query: 'copy a whole directory tree recursively', path: 'shutil.py', text: 'def copytree(' },
      {
        query: 'find the longest block that two sequences have in common',
        path: 'difflib.py',
        text: 'def find_longest_match(',
      },
    ],
  },
  {
    name: 'redis',
    fetch: () => debianSource('redis').dir,
    questions: [
      {
        query: 'free memory by evicting keys when the maxmemory limit is reached',
        path: 'src/evict.c',
        text: 'performEvictions(',
      },
      {
        query: 'move buckets of a hash table to a larger one step by step',
        path: 'src/dict.c',
        text: 'int dictRehash(',
      },
      {
        query: 'parse a command that a client sent as an array of bulk strings',
        path: 'src/networking.c',
        text: 'processMultibulkBuffer(',
      },
    ],
  },
  {
    name: 'typescript',
    fetch: () => npmPackage('typescript@5.9.3').dir,
    questions: [
      {
        query: 'edit distance between two names to suggest a spelling correction',
        path: 'lib/typescript.js',
        text: 'function levenshteinWithMax(',
      },
      {
        query: 'turn a wildcard include pattern into a regular expression',
        path: 'lib/typescript.js',
        text: 'function getSubPatternFromSpec(',
      },
      {
        query: 'notice when an element enters the viewport',
        path: 'lib/lib.dom.d.ts',
        text: 'IntersectionObserver',
      },
    ],
  },
];

interface Run {
  readonly summary: Summary;
  readonly peakBytes: number;
  readonly curve: [number, number][];
}

async function index(root: string, indexDir: string, flags: readonly string[]): Promise<Run> {
  const args = [CLI, 'index', root, '--index', indexDir, '--memory', MEMORY, '--json', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const sampler = new OutsideSampler(child.pid!);
  let out = '';
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  sampler.stop();
  if (code !== 0) throw new Error(`tidemark index ${root} ended with ${code}`);
  return { summary: JSON.parse(out) as Summary, peakBytes: sampler.peakBytes, curve: sampler.curve };
}

function rank(root: string, indexDir: string, { query, path, text }: Question, mode: string): number | null {
  const args = [
    CLI,
    'search',
    query,
    root,
    '--index',
    indexDir,
    '--json',
    '--limit',
    String(DEPTH),
    '--mode',
    mode,
  ];
  const { hits } = JSON.parse(execFileSync(process.execPath, args).toString()) as { hits: Hit[] };
  const found = hits.findIndex((hit) => hit.path === path && hit.text.includes(text));
  return found === -1 ? null : found + 1;
}

async function measure({ name, fetch, questions }: Tree) {
  const root = fetch();
  const indexDir = join(tmpdir(), `tidemark-bench-${name}`);
  rmSync(indexDir, { recursive: true, force: true });
  const first = await index(root, indexDir, []);
  const second = await index(root, indexDir, []);
  const answers = questions.map((question) => ({
    ...question,
    ranks: Object.fromEntries(
      ['hybrid', 'semantic', 'lexical'].map((mode) => [mode, rank(root, indexDir, question, mode)]),
    ),
  }));
  const status = JSON.parse(
    execFileSync(process.execPath, [CLI, 'status', root, '--index', indexDir, '--json']).toString(),
  ) as { sizeBytes: number };
  rmSync(indexDir, { recursive: true, force: true });
  const { curve, ...firstRun } = first;
  return {
    name,
    memory: MEMORY,
    first: firstRun,
    second: { summary: second.summary, peakBytes: second.peakBytes },
    indexBytes: status.sizeBytes,
    answers,
    curve,
  };
}

const wanted = process.argv.slice(2);
const results: Record<string, unknown> = existsSync(RESULTS)
  ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as { trees: Record<string, unknown> }).trees
  : {};
const mb = (bytes: number) => Math.round(bytes / 1e6);
const rows: (string | number)[][] = [
  ['tree', 'files', 'MB read', 'chunks', 'seconds', 'peak MB', 'again s', 'again peak MB', 'index MB'],
];
for (const tree of TREES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const result = await measure(tree);
  results[tree.name] = { ...result, environment: environment() };
  mkdirSync(new URL('./results/', import.meta.url), { recursive: true });
  writeFileSync(RESULTS, `${JSON.stringify({ trees: results }, null, 1)}\n`);
  const { summary, peakBytes } = result.first;
  rows.push([
    tree.name,
    summary.files.indexed,
    mb(summary.bytes),
    summary.chunks.written,
    Math.round(summary.seconds),
    mb(peakBytes),
    result.second.summary.seconds,
    mb(result.second.peakBytes),
    mb(result.indexBytes),
  ]);
  for (const { query, path, ranks } of result.answers) {
    console.log(`${tree.name}: '${query}' -> ${path}: ${JSON.stringify(ranks)}`);
  }
}
console.log(table(rows));

const curves = Object.entries(results as Record<string, { curve: [number, number][]; memory: string }>);
const svg = await lineChart({
  title: `Resident set of all processes while indexing, --memory ${MEMORY}`,
  xTitle: 'seconds',
  yTitle: 'MB',
  series: curves.map(([name, { curve }]) => ({
    name,
    points: curve.map(([s, bytes]) => [s, bytes / 1e6] as const),
  })),
  mark: { value: parseSize(MEMORY) / 1e6, label: `the mark: ${MEMORY}` },
});
writeFileSync(fileURLToPath(new URL('./results/trees.svg', import.meta.url)), svg);

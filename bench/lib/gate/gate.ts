import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planMemory } from '../../../src/memory/plan.ts';
import { parseSize } from '../../../src/memory/size.ts';
import { type IndexRun, indexRun } from '../index-run.ts';

export const PLANTS = [
  'tree',
  'tensor',
  'session',
  'reader',
  'listener',
  'map',
  'query',
  'batch',
  'worker',
  'lease',
] as const;
export type Plant = (typeof PLANTS)[number];

export interface GateOptions {
  readonly tree: string;
  readonly memory: string;
  /** A model to embed with; without one the lexical lane alone runs. */
  readonly model?: string;
  /** A leak to put in. */
  readonly plant?: Plant;
}

export interface Finding {
  /** The kind of leak. */
  readonly name: Plant | 'mark';
  readonly text: string;
}

export interface GateResult {
  readonly findings: readonly Finding[];
  readonly run: IndexRun;
}

/** One line of what the probe writes. */
interface Counts extends Record<'tree' | 'tensor' | 'session' | 'reader' | 'listener' | 'worker', number> {
  /** Milliseconds of the clock. */
  readonly at: number;
  /** How many there were. */
  readonly sessions: number;
  /** Most rows that one query gave at once, and most bytes of one commit. */
  readonly rows: number;
  readonly batchBytes: number;
  readonly heapUsed: number;
}

const PROBE = new URL('./probe.mjs', import.meta.url).href;
/** Of what is in use at any moment a thread that is stopped may leave some. */
const IN_USE = { tree: 8, listener: 32 };
const MAX_ROWS = 1024;
/** A commit ends with the row that fills it. */
const MAX_BATCH = 1.25;
/** Bytes that the JavaScript heap may grow by for each byte read, from the second quarter of a run to the last. */
const MAX_HEAP_GROWTH = 0.5;
/** What it grows and shrinks by in any case: by 30 % of some 16 MB between collections, and a quarter of a short run may see none. */
const HEAP_NOISE_BYTES = 5e6;

/** Indexes a tree in a process with the probe in it, and says what it did not give back. */
export async function runGate({ tree, memory, model, plant }: GateOptions): Promise<GateResult> {
  const base = mkdtempSync(join(tmpdir(), 'tidemark-gate-'));
  const probed = mkdtempSync(join(base, 'probe-'));
  try {
    const run = await indexRun({
      tree,
      index: join(base, 'index'),
      memory,
      embed: model !== undefined,
      ...(model === undefined ? {} : { model }),
      env: {
        NODE_OPTIONS: `--import ${PROBE}`,
        TIDEMARK_PROBE: probed,
        TIDEMARK_DEBUG: '1',
        ...(plant === undefined ? {} : { TIDEMARK_PLANT: plant }),
      },
    });
    if (run.summary === null) throw new Error(`the run ended with ${run.code}: ${run.stderr}`);
    return { run, findings: [...findings(probed, run), ...aboveTheMark(run, parseSize(memory))] };
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

function* findings(folder: string, run: IndexRun): Generator<Finding> {
  const last = { thread: [] as Counts[], embedder: [] as Counts[], parent: [] as Counts[] };
  let series: Counts[] = [];
  for (const file of readdirSync(folder)) {
    const lines = readFileSync(join(folder, file), 'utf8').trimEnd().split('\n');
    const counts = lines.map((line) => JSON.parse(line) as Counts);
    last[file.split('-')[0] as keyof typeof last].push(counts.at(-1)!);
    if (file.startsWith('parent') && counts.at(-1)!.batchBytes > 0) series = counts;
  }
  // Else it would find nothing whatever there is.
  if (series.length === 0) throw new Error('the probe has seen no commit');
  const sum = (of: readonly Counts[], key: keyof Counts) => of.reduce((total, next) => total + next[key], 0);
  if (last.embedder.length > 0 && sum(last.embedder, 'sessions') === 0)
    throw new Error('the probe has seen no session');
  const trees = sum(last.thread, 'tree');
  if (trees > IN_USE.tree * last.thread.length)
    yield { name: 'tree', text: `${trees} syntax trees not deleted` };
  const tensors = sum(last.embedder, 'tensor');
  if (tensors > 0) yield { name: 'tensor', text: `${tensors} tensors not disposed` };
  const sessions = sum(last.embedder, 'session');
  if (sessions > 0) yield { name: 'session', text: `${sessions} sessions not released` };
  const readers = sum(last.parent, 'reader');
  if (readers > 0) yield { name: 'reader', text: `${readers} readers not read to their end` };
  const listeners = sum(last.parent, 'listener');
  if (listeners > IN_USE.listener) yield { name: 'listener', text: `${listeners} listeners left on signals` };
  const workers = sum(last.parent, 'worker');
  if (workers > 0) yield { name: 'worker', text: `${workers} threads still there at the end` };
  const rows = Math.max(...last.parent.map((counts) => counts.rows));
  if (rows > MAX_ROWS) yield { name: 'query', text: `a query loaded ${rows} rows at once` };
  const bytes = Math.max(...last.parent.map((counts) => counts.batchBytes));
  const { flushBytes } = planMemory(run.summary!.budgetBytes, { embed: false, cores: 1 });
  if (bytes > MAX_BATCH * flushBytes)
    yield { name: 'batch', text: `a commit of ${(bytes / 1e6).toFixed(1)} MB` };
  const growth = (heapGrowth(series) - HEAP_NOISE_BYTES) / (run.summary!.bytes / 2);
  if (growth > MAX_HEAP_GROWTH)
    yield { name: 'map', text: `the JavaScript heap kept ${growth.toFixed(2)} bytes of each that was read` };
  const lease = /MemoryLeaseWarning: (.*) not returned/.exec(run.stderr)?.[1];
  if (lease !== undefined) yield { name: 'lease', text: `leases of memory: ${lease} not returned` };
}

/** From the least of the second quarter to the least of the last one: garbage comes and goes in between. */
function heapGrowth(series: readonly Counts[]): number {
  const quarter = Math.floor(series.length / 4);
  const least = (part: readonly Counts[]) => Math.min(...part.map(({ heapUsed }) => heapUsed));
  return least(series.slice(-quarter)) - least(series.slice(quarter, 2 * quarter));
}

function aboveTheMark(run: IndexRun, mark: number): Finding[] {
  const above = run.samples.filter(({ pss }) => pss > mark).length;
  if (above === 0) return [];
  return [{ name: 'mark', text: `${above} of ${run.samples.length} samples above the mark` }];
}

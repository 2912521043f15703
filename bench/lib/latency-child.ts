/**
 * A program that searches an index, in a process of its own: bench/latency.ts compiles this file and starts it. Says on
 * stdout, as JSON, how long each search took.
 */
import { readFileSync } from 'node:fs';

export interface LatencyJob {
  /** URL of the library. */
  readonly library: string;
  readonly tree: string;
  readonly index: string;
  readonly queries: readonly string[];
  readonly rounds: number;
}

export interface LatencyOutcome {
  /** Milliseconds by mode. */
  readonly times: Readonly<Record<'lexical' | 'semantic' | 'hybrid', number[]>>;
  /** Queries that found nothing. */
  readonly empty: number;
}

const WARM_ROUNDS = 2;

const job = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as LatencyJob;
const { openIndex } = (await import(job.library)) as typeof import('../../src/index.ts');
const times: LatencyOutcome['times'] = { lexical: [], semantic: [], hybrid: [] };
let empty = 0;
await using index = await openIndex(job.tree, { index: job.index });
for (const mode of ['lexical', 'semantic', 'hybrid'] as const) {
  // Until the code is compiled and what it reads of the disk is in memory: a program that searches all day is measured.
  for (let round = 0; round < WARM_ROUNDS; round++)
    for (const query of job.queries) await index.search(`warm up ${query}`, { mode });
  for (let round = 0; round < job.rounds; round++)
    for (const query of job.queries) {
      const started = performance.now();
      const { hits } = await index.search(query, { mode });
      times[mode].push(performance.now() - started);
      if (hits.length === 0) empty++;
    }
}
process.stdout.write(JSON.stringify({ times, empty } satisfies LatencyOutcome));

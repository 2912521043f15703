import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openIndex, type SearchMode, type Summary } from '../../src/index.ts';
import { CORPORA } from './corpora.ts';
import type { JudgedRepo } from './quality-set.ts';
import { DEPTH, judge, type Score } from './retrieval-metric.ts';

const CLI = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

export interface IndexedRepo {
  readonly files: number;
  readonly chunks: number;
  readonly coverage: number;
  /** Of the run that made it whole. */
  readonly summary: Pick<Summary, 'seconds' | 'peakRssBytes'>;
}

/** How well a query was answered. */
export interface Answer extends Score {
  readonly repo: string;
  readonly language: string;
  readonly category: string;
  readonly milliseconds: number;
  /** `PATH:LINE` of each hit, the best first. */
  readonly places: readonly string[];
}

/** Where the indexes stay that are made under a mark; null is the default one. */
export function indexesOf(memory: string | null): string {
  return join(CORPORA, 'quality-indexes', memory ?? 'default');
}

/** Builds the index where no earlier run has, and goes on with one that was cut short. */
export async function indexRepo(root: string, at: string, memory: string | null): Promise<IndexedRepo> {
  const record = `${at}.json`;
  if (!existsSync(record)) {
    mkdirSync(dirname(at), { recursive: true });
    const args = [CLI, 'index', root, '--index', at, '--json'];
    if (memory !== null) args.push('--memory', memory);
    const out = execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }).toString();
    writeFileSync(record, out);
  }
  await using index = await openIndex(root, { index: at });
  const { files, chunks, coverage } = await index.status();
  const summary = JSON.parse(readFileSync(record, 'utf8')) as Summary;
  return { files: files.embedded + files.pending, chunks, coverage, summary };
}

/** Runs the queries of a repository through the public API. */
export async function ask(repo: JudgedRepo, root: string, at: string, mode: SearchMode): Promise<Answer[]> {
  await using index = await openIndex(root, { index: at });
  // The model and the tables are loaded before the clocks start.
  await index.search('warm', { mode });
  const answers: Answer[] = [];
  for (const judged of repo.queries) {
    const started = performance.now();
    const { hits } = await index.search(judged.query, { mode, limit: DEPTH });
    const milliseconds = performance.now() - started;
    const { name, language } = repo;
    answers.push({
      repo: name,
      language,
      category: judged.category,
      milliseconds,
      places: hits.map(({ path, startLine }) => `${path}:${startLine}`),
      ...judge(repo, judged, hits),
    });
  }
  return answers;
}

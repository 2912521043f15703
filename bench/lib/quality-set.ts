/**
 * The retrieval benchmark of semble (MinishLab, MIT): repositories at pinned revisions, and queries with the files that
 * answer them. BENCH_QUALITY names the folder with its `repos.json` and `annotations/NAME.json`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CORPORA } from './corpora.ts';

export interface Target {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly start_line?: number;
  readonly end_line?: number;
}

export interface JudgedQuery {
  readonly query: string;
  readonly category: string;
  readonly targets: readonly Target[];
}

export interface JudgedRepo {
  readonly name: string;
  readonly language: string;
  readonly url: string;
  readonly revision: string;
  /** The folder that is indexed; empty for the whole repository. */
  readonly folder: string;
  readonly queries: readonly JudgedQuery[];
}

interface Annotation {
  readonly query: string;
  readonly category: string;
  readonly relevant: readonly (string | Target)[];
  readonly secondary?: readonly (string | Target)[];
}

/** @throws Error that says what to set */
export function definition(): string {
  const dir = process.env.BENCH_QUALITY;
  if (dir === undefined) throw new Error('BENCH_QUALITY names the folder with repos.json and annotations/');
  return dir;
}

export function judgedRepos(dir: string): JudgedRepo[] {
  const read = (name: string) => JSON.parse(readFileSync(join(dir, name), 'utf8'));
  const repos = read('repos.json') as (Omit<JudgedRepo, 'folder' | 'queries'> & {
    benchmark_root?: string;
  })[];
  return repos.map(({ name, language, url, revision, benchmark_root }) => {
    const annotations = read(`annotations/${name}.json`) as Annotation[];
    const queries = annotations.map(({ query, category, relevant, secondary = [] }) => ({
      query,
      category,
      targets: [...relevant, ...secondary].map((t) => (typeof t === 'string' ? { path: t } : t)),
    }));
    return { name, language, url, revision, folder: benchmark_root ?? '', queries };
  });
}

/** The folder to index, cloned at its revision where it is missing. */
export function checkout({ name, url, revision, folder }: JudgedRepo): string {
  const dir = join(CORPORA, 'quality', name);
  if (!existsSync(dir)) {
    const part = `${dir}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', part, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    git('init', '--quiet');
    git('fetch', '--quiet', '--depth', '1', url, revision);
    git('checkout', '--quiet', 'FETCH_HEAD');
    renameSync(part, dir);
  }
  return join(dir, folder);
}

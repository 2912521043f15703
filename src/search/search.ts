import { searchTerms } from '../chunk/terms.ts';
import type { SearchKind } from '../store/filter.ts';
import type { ChunkHit } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { reciprocalRankFusion } from './fusion.ts';

export type SearchMode = 'hybrid' | 'lexical' | 'semantic';

export interface SearchOptions {
  /** Hits at most; default 10, at most 1000. */
  readonly limit?: number;
  /** Glob over the path, such as `src/**`. As in git, `*.ts` is a name at any depth, and `src/` all that is below. */
  readonly path?: string;
  /** Canonical language name. */
  readonly language?: string;
  /** `docs` is Markdown and other text. */
  readonly kind?: SearchKind;
  readonly mode?: SearchMode;
}

export interface Hit {
  /** Relative to the indexed directory, with `/`. */
  readonly path: string;
  /** 1-based and inclusive. */
  readonly startLine: number;
  readonly endLine: number;
  /** Comparable within one result only; higher is better. */
  readonly score: number;
  readonly language: string | null;
  readonly kind: string;
  readonly symbol: string | null;
  readonly text: string;
}

export interface SearchResult {
  readonly query: string;
  readonly mode: SearchMode;
  /** Share of the chunks that can be found by meaning, 0 to 1. */
  readonly coverage: number;
  readonly seconds: number;
  readonly hits: Hit[];
}

/** Candidates of each list for one hit asked for: fusion needs some depth. */
const DEPTH = 5;
const MIN_CANDIDATES = 50;
/** A query is embedded up to here: more is a document, and would take seconds. All of it counts for the words. */
const MAX_EMBEDDED_CHARACTERS = 8192;

/**
 * Searches by words (BM25), by meaning (nearest vectors) or both, fused by reciprocal rank. Works on an index without
 * vectors, and on one that is being written. `embed` turns the query into a vector; null where there is no model.
 */
export async function search(
  store: Store,
  query: string,
  options: SearchOptions,
  embed: ((query: string) => Promise<Float32Array>) | null,
): Promise<SearchResult> {
  const started = performance.now();
  const mode = options.mode ?? 'hybrid';
  const limit = Math.max(1, Math.min(options.limit ?? 10, 1000));
  const candidates = Math.min(1000, Math.max(MIN_CANDIDATES, limit * DEPTH));
  const path = options.path === undefined ? undefined : wholePath(options.path);
  const filter = { path, language: options.language, kind: options.kind };
  const { pending, embedded } = (await store.counts()).files;
  const all = pending.chunks + embedded.chunks;
  const coverage = all === 0 ? 1 : embedded.chunks / all;

  const lexical = async (): Promise<ChunkHit[]> => {
    const terms = [...new Set(searchTerms(query))];
    if (mode === 'semantic' || terms.length === 0) return [];
    return (await store.searchLexical({ terms }, filter, candidates)).map(({ row }) => row);
  };
  const semantic = async (): Promise<ChunkHit[]> => {
    if (mode === 'lexical' || embed === null || query.trim() === '') return [];
    const vector = await embed(query.slice(0, MAX_EMBEDDED_CHARACTERS));
    return (await store.searchSemantic(vector, filter, candidates)).map(({ row }) => row);
  };
  const lists = await Promise.all([lexical(), semantic()]);
  const hits = reciprocalRankFusion(lists, (row) => row.id)
    .slice(0, limit)
    .map(({ item, score }) => toHit(item, score));
  return { query, mode, coverage, seconds: Math.round(performance.now() - started) / 1000, hits };
}

/** As in an ignore file: a name alone is meant at any depth, and a folder stands for all that is below it. */
function wholePath(pattern: string): string {
  const [, negation = '', given = ''] = /^(!?)(?:\.\/)?(.*)$/s.exec(pattern)!;
  const rest = given.replace(/\/+$/, '');
  if (rest === '' || rest.startsWith('!')) return pattern;
  const place = rest.includes('/') || given !== rest ? rest : `**/${rest}`;
  if (given !== rest) return `${negation}${place}/**`;
  return /[*?[\]{}()]/.test(rest) ? `${negation}${place}` : `${negation}{${place},${place}/**}`;
}

function toHit(row: ChunkHit, score: number): Hit {
  const { path, startLine, endLine, language, kind, symbol, text } = row;
  return { path, startLine, endLine, score: Number(score.toFixed(6)), language, kind, symbol, text };
}

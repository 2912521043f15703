import { nameTerms } from '../chunk/index-terms.ts';
import type { Filter, SearchKind } from '../store/filter.ts';
import type { LiveChunk, LiveLexicalHit, SemanticHit } from '../store/live-search.ts';
import type { ChunkDetails, ChunkHit } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { askedFor, lexicalQuery, type Question } from './question.ts';
import { type RankedChunk, rank } from './rank.ts';
import { RANKING, type Ranking } from './ranking.ts';
import { chunkAt, likeQuestion } from './related.ts';

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
  /** Hits of one file at most; default: no limit, though the first of each file lead. */
  readonly perFile?: number;
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

/** Candidates of each search: the evidence of a file is gathered from its chunks among them. */
const WORDS_DEPTH = 200;
const MEANING_DEPTH = 100;
const DEPTH_PER_HIT = 2;
const MAX_DEPTH = 1000;
/** So many of the best are looked into for what the query has in quotes. */
const PHRASE_DEPTH = 100;
/** A query is embedded up to here: more is a document, and would take seconds. All of it counts for the words. */
const MAX_EMBEDDED_CHARACTERS = 8192;

/** What is looked for, in words and by a vector; null where there is none. */
interface Inquiry {
  readonly started: number;
  readonly query: string;
  readonly question: Question;
  readonly vector: () => Promise<Float32Array | null>;
  /** The chunk whose like is looked for: it is not found itself. */
  readonly model: Pick<ChunkHit, 'seq' | 'ordinal'> | null;
}

/**
 * Searches by words (BM25), by meaning (nearest vectors) or both, and ranks what is found. Works on an index without
 * vectors, and on one that is being written. `embed` turns the query into a vector; null where there is no model.
 */
export async function search(
  store: Store,
  query: string,
  options: SearchOptions,
  embed: ((query: string) => Promise<Float32Array>) | null,
  ranking: Ranking = RANKING,
): Promise<SearchResult> {
  const started = performance.now();
  const asked = embed === null || query.trim() === '' ? null : query.slice(0, MAX_EMBEDDED_CHARACTERS);
  const vector = async () => (asked === null ? null : embed!(asked));
  const inquiry = { started, query, question: askedFor(query), vector, model: null };
  return answer(store, inquiry, options, ranking);
}

/**
 * Searches for what is like the code at a place: by its names and words, and by its vector where it has one.
 * @throws TidemarkError `ERR_TIDEMARK_NO_CHUNK`
 */
export async function related(
  store: Store,
  place: { readonly path: string; readonly line: number },
  options: SearchOptions,
): Promise<SearchResult> {
  const started = performance.now();
  const chunk = await chunkAt(store, place.path, place.line);
  const vector = async () => (await store.vectorsByHash([chunk.hash])).get(chunk.hash) ?? null;
  const query = `${place.path}:${place.line}`;
  return answer(
    store,
    { started, query, question: likeQuestion(chunk), vector, model: chunk },
    options,
    RANKING,
  );
}

async function answer(
  store: Store,
  { started, query, question, vector, model }: Inquiry,
  options: SearchOptions,
  ranking: Ranking,
): Promise<SearchResult> {
  const mode = options.mode ?? 'hybrid';
  const limit = hitsAtMost(options);
  const filter = narrowed(options);
  const others = <Found extends { readonly row: ChunkHit }>(found: Found[]) =>
    model === null
      ? found
      : found.filter(({ row }) => row.seq !== model.seq || row.ordinal !== model.ordinal);
  const keys = { definitions: question.symbol !== null };
  const lexical = async (): Promise<LiveLexicalHit[]> => {
    if (mode === 'semantic' || question.words.length === 0) return [];
    const wanted = lexicalQuery(question, ranking);
    return others(await store.searchLexical(wanted, filter, depth(WORDS_DEPTH, limit), keys));
  };
  const semantic = async (): Promise<SemanticHit[]> => {
    const wanted = mode === 'lexical' ? null : await vector();
    if (wanted === null) return [];
    return others(await store.searchSemantic(wanted, filter, depth(MEANING_DEPTH, limit), keys));
  };
  // What is only needed beside hits by meaning is read while they are looked for.
  const weighed = lexical().then(async (hits) => {
    const alone = mode !== 'hybrid' || model !== null || hits.length === 0;
    return { hits, said: alone ? 1 : await saidPart(store, question, hits[0]!.row) };
  });
  const [{ hits: byWords, said }, byMeaning, coverage] = await Promise.all([
    weighed,
    semantic(),
    store.coverage(),
  ]);
  const ranked = rank(question, byWords, byMeaning, said, ranking);
  const hits = await shown(store, question, perFile(ranked, options.perFile), limit);
  return { query, mode, coverage, seconds: Math.round(performance.now() - started) / 1000, hits };
}

const hitsAtMost = ({ limit = 10 }: SearchOptions): number => Math.max(1, Math.min(limit, 1000));
const depth = (least: number, limit: number): number =>
  Math.min(MAX_DEPTH, Math.max(least, limit * DEPTH_PER_HIT));

function narrowed({ path, language, kind }: SearchOptions): Filter {
  return { path: path === undefined ? undefined : wholePath(path), language, kind };
}

function perFile(ranked: readonly RankedChunk[], most = Number.POSITIVE_INFINITY): readonly RankedChunk[] {
  const seen = new Map<string, number>();
  return ranked.filter(({ row: { path } }) => {
    const before = seen.get(path) ?? 0;
    seen.set(path, before + 1);
    return before < most;
  });
}

/** The part of the query's words that a chunk has, its names and path included. */
async function saidPart(store: Store, { names }: Question, row: ChunkHit): Promise<number> {
  const [found] = await store.details([row]);
  const { text, symbol } = found ?? {};
  const there = new Set(nameTerms([text, row.path, symbol].join(' ')));
  const said = [...names].filter((name) => there.has(name)).length;
  return said / names.size;
}

/** The best `limit` with their texts, those that have what the query quotes before the others. */
async function shown(
  store: Store,
  { phrases }: Question,
  ranked: readonly RankedChunk[],
  limit: number,
): Promise<Hit[]> {
  const looked = ranked.slice(0, phrases.length > 0 ? Math.max(limit, PHRASE_DEPTH) : limit);
  const details = await store.details(looked.map(({ row }) => row));
  const best = looked[0]?.score ?? 0;
  const hits = looked.flatMap(({ row, score }, i) => {
    const found = details[i];
    // Replaced since it was found: what stands in its place is for the next search.
    if (found === undefined) return [];
    const text = phrases.length > 0 ? found.text.toLowerCase() : '';
    const quoted = phrases.length > 0 && phrases.every((phrase) => text.includes(phrase));
    return [toHit(row, found, quoted ? score + best : score)];
  });
  if (phrases.length > 0) hits.sort((a, b) => b.score - a.score);
  return hits.slice(0, limit);
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

function toHit({ path, kind }: LiveChunk, details: ChunkDetails, score: number): Hit {
  const { startLine, endLine, language, symbol, text } = details;
  return { path, startLine, endLine, score: Number(score.toFixed(6)), language, kind, symbol, text };
}

import type { ChunkRun } from './chunk-runs.ts';
import { parseGlob } from './glob.ts';
import type { Kind } from './schema.ts';

/** SQL that came out of this file, so that every value in it is escaped. */
export type Predicate = string & { readonly predicate: unique symbol };

/** What a search is narrowed to; all that is given must hold. */
export interface Filter {
  /** Glob over the path relative to the indexed directory; see `parseGlob`. */
  path?: string | undefined;
  language?: string | undefined;
  kind?: SearchKind | undefined;
}

/** What a search can ask for: text of an unknown language counts as prose. */
export type SearchKind = 'code' | 'docs';
const KINDS: Record<SearchKind, readonly Kind[]> = { code: ['code'], docs: ['docs', 'text'] };

/** A value list longer than this is split by the callers: deletes and lookups degrade beyond it. */
export const MAX_IN_LIST = 500;

type Value = string | number | bigint;

const predicate = (sql: string): Predicate => sql as Predicate;

function literal(value: Value): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (!Number.isSafeInteger(value)) throw new RangeError(`not an integer: ${value}`);
  return String(value);
}

/** Column names come from the code, never from a user; this guards against a slip. */
function name(column: string): string {
  if (!/^[a-z_]+$/.test(column)) throw new RangeError(`not a column: ${column}`);
  return column;
}

export const equals = (column: string, value: Value): Predicate =>
  predicate(`${name(column)} = ${literal(value)}`);

export function isIn(column: string, values: readonly Value[]): Predicate {
  if (values.length > MAX_IN_LIST) throw new RangeError(`more than ${MAX_IN_LIST} values for ${column}`);
  if (values.length === 0) return predicate('false');
  return predicate(`${name(column)} IN (${values.map(literal).join(', ')})`);
}

export const greaterThan = (column: string, value: Value): Predicate =>
  predicate(`${name(column)} > ${literal(value)}`);

/** `(after, through]`; null is no bound. */
export function inRange(column: string, after: Value | null, through: Value | null): Predicate | null {
  const upper = through === null ? null : predicate(`${name(column)} <= ${literal(through)}`);
  return both(after === null ? null : greaterThan(column, after), upper);
}

/** The chunk rows of any of the runs. The list of seqs is there for the index on them, which cannot answer the rest. */
export function inRuns(runs: readonly ChunkRun[]): Predicate {
  const seqs = isIn('seq', [...new Set(runs.map(({ seq }) => seq))]);
  const any = runs.map(
    ({ seq, from, to }) => `(${equals('seq', seq)} AND ${inRange('ordinal', from - 1, to - 1)})`,
  );
  return predicate(`${seqs} AND (${any.length === 0 ? 'false' : any.join(' OR ')})`);
}

export function both(...parts: (Predicate | null)[]): Predicate | null {
  const given = parts.filter((part) => part !== null);
  if (given.length === 0) return null;
  return predicate(given.length === 1 ? given[0]! : given.map((part) => `(${part})`).join(' AND '));
}

/** The rows whose `column` matches a glob. The literal start becomes a range, which an index can answer. */
export function matchesGlob(column: string, glob: string): Predicate {
  const { negated, prefix, literal: exact, regex } = parseGlob(glob);
  const c = name(column);
  const starts = prefix === '' ? '' : `starts_with(${c}, ${literal(prefix)}) AND `;
  const sql = exact ? `${c} = ${literal(prefix)}` : `${starts}regexp_like(${c}, ${literal(regex)})`;
  return predicate(negated ? `NOT (${sql})` : sql);
}

/** The one place where what a user asks for becomes SQL; null is no filter. */
export function filterPredicate(filter: Filter): Predicate | null {
  return both(
    filter.path === undefined ? null : matchesGlob('path', filter.path),
    filter.language === undefined ? null : equals('language', filter.language),
    filter.kind === undefined ? null : isIn('kind', KINDS[filter.kind]),
  );
}

/** Splits a list so that each part fits one predicate. */
export function* inParts<T>(values: readonly T[], size = MAX_IN_LIST): Generator<T[]> {
  for (let i = 0; i < values.length; i += size) yield values.slice(i, i + size);
}

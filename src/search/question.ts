import { FIELD_MARKS, nameTerms, type TermField } from '../chunk/index-terms.ts';
import { stem } from '../chunk/stem.ts';
import { searchTerms } from '../chunk/terms.ts';
import type { LexicalQuery } from '../store/chunk-table.ts';
import type { Ranking } from './ranking.ts';

/** A name as code refers to it: `Foo`, `Foo::bar`, `foo.bar()`. */
export interface SymbolName {
  readonly name: string;
  /** What stands before it, outermost first. */
  readonly scopes: readonly string[];
}

/** A query and what it asks for. */
export interface Question {
  readonly text: string;
  /** Its words, each once; those that questions are made of only where there are no others. */
  readonly words: readonly string[];
  /** The words as names have them. */
  readonly names: ReadonlySet<string>;
  readonly symbol: SymbolName | null;
  /** It may be a path, or the end of one. */
  readonly path: string | null;
  /** What it has in double quotes, lower case. */
  readonly phrases: readonly string[];
}

const IDENTIFIER = '[\\p{L}_$@][\\p{L}\\p{N}_$]*[!?]?';
const SEPARATOR = /::|->|[.#/\\]/;
const SYMBOL = new RegExp(`^${IDENTIFIER}(?:(?:${SEPARATOR.source})${IDENTIFIER})*(?:\\(\\))?$`, 'u');
const PHRASE = /"([^"]*\S[^"]*)"/g;

const QUESTION_WORDS = new Set(
  (
    'a an and are as at be been but by can did do does for from had has have how i if in into is it its me my no not ' +
    'of on or our should so such than that the their them then there these they this those to was we were what when ' +
    'where which while who why will with would you your'
  ).split(' '),
);

export function askedFor(text: string): Question {
  const query = text.trim();
  const all = [...new Set(searchTerms(query))];
  const telling = all.filter((word) => !QUESTION_WORDS.has(word));
  const words = telling.length > 0 ? telling : all;
  return {
    text,
    words,
    names: new Set(nameTerms(words.join(' '))),
    symbol: symbolOf(query),
    path: /^\S*[./]\S*$/.test(query) ? query.replace(/^\.?\//, '') : null,
    phrases: Array.from(query.matchAll(PHRASE), ([, phrase]) => phrase!.toLowerCase()),
  };
}

function symbolOf(query: string): SymbolName | null {
  if (!SYMBOL.test(query)) return null;
  const parts = query.replace(/\(\)$/, '').split(SEPARATOR);
  return { name: parts.at(-1)!, scopes: parts.slice(0, -1) };
}

/** The words as the full-text index has them, in the text and in the other fields. */
export function lexicalQuery({ words, names }: Question, { fields }: Ranking): LexicalQuery {
  const terms = (Object.entries(FIELD_MARKS) as [TermField, string][]).flatMap(([field, mark]) => {
    const inField = field === 'text' ? words.map(stem) : Array.from(names, (name) => mark + name);
    const once = [...new Set(inField)];
    return Array.from({ length: fields[field] }, () => once).flat();
  });
  return { terms };
}

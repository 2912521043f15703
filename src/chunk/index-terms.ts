import { nameStem, stem } from './stem.ts';
import { searchTerms } from './terms.ts';

/** The fields of a chunk share one full-text index; a term of any but the text stands there behind its field's mark. */
export const FIELD_MARKS = { text: '', file: '/', directory: './', definition: '=' } as const;
export type TermField = keyof typeof FIELD_MARKS;

interface IndexedFields {
  readonly path: string;
  readonly text: string;
  readonly symbol: string | null;
  /** `KIND NAME`, one a line. */
  readonly definitions: string | null;
}

/** File names that say no more than that a folder begins here: the folder's own name stands for them. */
const STANDS_FOR_FOLDER = new Set(['index', 'mod', '__init__', 'main', 'init', 'lib']);

/** The words of names, as they are searched: stemmed, each once. */
export function nameTerms(names: string): string[] {
  return [...new Set(searchTerms(names).map(nameStem))];
}

/** The words of a file's name, without its extension. */
export function fileNameTerms(path: string): string[] {
  const parts = path.split('/');
  const name = parts.at(-1)!;
  const dot = name.lastIndexOf('.');
  const bare = dot > 0 ? name.slice(0, dot) : name;
  return nameTerms(STANDS_FOR_FOLDER.has(bare.toLowerCase()) ? `${bare} ${parts.at(-2) ?? ''}` : bare);
}

export function directoryTerms(path: string): string[] {
  return nameTerms(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
}

/** What `definitions` lists. */
export function parseDefinitions(
  definitions: string | null,
): { readonly kind: string; readonly name: string }[] {
  if (definitions === null) return [];
  return definitions.split('\n').map((line) => {
    const blank = line.indexOf(' ');
    return { kind: line.slice(0, blank), name: line.slice(blank + 1) };
  });
}

/** All names that a chunk defines, its symbol first. */
export function definedNames({ symbol, definitions }: Pick<IndexedFields, 'symbol' | 'definitions'>): string {
  return [symbol ?? '', ...parseDefinitions(definitions).map(({ name }) => name)].join(' ');
}

/** What a chunk is found by, separated by blanks: stems of its text, and names behind the marks of their fields. */
export function indexTerms({ path, text, symbol, definitions }: IndexedFields): string {
  return [
    ...searchTerms(text).map(stem),
    ...pathTerms(path),
    ...marked('definition', nameTerms(definedNames({ symbol, definitions }))),
  ].join(' ');
}

const marked = (field: TermField, names: readonly string[]) => names.map((name) => FIELD_MARKS[field] + name);

/** Of the last path: the chunks of a file come one after the other. */
let last: { readonly path: string; readonly terms: readonly string[] } = { path: '', terms: [] };

function pathTerms(path: string): readonly string[] {
  if (path !== last.path) {
    const terms = [...marked('file', fileNameTerms(path)), ...marked('directory', directoryTerms(path))];
    last = { path, terms };
  }
  return last.terms;
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { NATIVE_BINDING, type NativeGrammar, nativeGrammars } from '../../../grammars/native.ts';
import type { SyntaxCursor, SyntaxNode, SyntaxRange } from '../../../grammars/syntax-tree.ts';

// What is used of the binding's interface. It is an optional dependency, so its own types may be missing.

export interface NativeBinding {
  readonly Parser: new () => NativeParser;
  readonly Query: new (language: object, text: string) => NativeQuery;
  readonly SyntaxNode: new (...args: never) => SyntaxNode;
}

export interface NativeParser {
  setLanguage(language: object): void;
  /** After that time `parse` gives up. Deprecated for a callback, which this version leaks. */
  setTimeoutMicros(microseconds: number): void;
  /** Null where it took too long. */
  parse(text: string, oldTree: null, options: NativeParseOptions): NativeTree | null;
  reset(): void;
}

export interface NativeParseOptions {
  /** UTF-16 units that are copied at a time. */
  readonly bufferSize: number;
  readonly includedRanges?: readonly SyntaxRange[];
}

/** Freed when it is garbage: there is no other way. */
export interface NativeTree {
  readonly rootNode: SyntaxNode;
  readonly language: object;
  walk(): Omit<SyntaxCursor, 'delete'>;
}

export interface NativeQuery {
  /** By pattern. */
  readonly predicates: readonly unknown[];
  startIndexForPattern(index: number): number;
  endIndexForPattern(index: number): number;
  matches(
    root: SyntaxNode,
    limits: { maxStartDepth?: number; startIndex?: number; endIndex?: number },
  ): { readonly pattern: number; readonly captures: { name: string; node: SyntaxNode }[] }[];
}

const require = createRequire(import.meta.url);

/** Loads the binding into this process, which may not survive it. Throws an error that says what to do. */
export function loadBinding(): NativeBinding {
  const Parser = load(NATIVE_BINDING) as NativeBinding['Parser'] & Omit<NativeBinding, 'Parser'>;
  const all = [...nativeGrammars.values()];
  if (!all.some((grammar) => installedVersion(grammar) !== null)) {
    throw new Error(`it has no grammars; ${advice(all)}`);
  }
  return { Parser, Query: Parser.Query, SyntaxNode: Parser.SyntaxNode };
}

/** Loads a compiled grammar. Throws as {@link loadBinding}. */
export function loadLanguage(grammar: NativeGrammar): object {
  const exported = load(grammar) as Record<string, object>;
  return grammar.language === undefined ? exported : exported[grammar.language]!;
}

function load(grammar: NativeGrammar): unknown {
  const { package: name, version } = grammar;
  const installed = installedVersion(grammar);
  if (installed === null) throw new Error(`${name} is not installed; ${advice([grammar])}`);
  if (installed !== version) throw new Error(`${name} is of version ${installed}; ${advice([grammar])}`);
  try {
    return require(name);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    const build = `build it (npm rebuild ${name}; it takes a compiler)`;
    throw new Error(`${name} does not load (${reason}); ${build}`, { cause });
  }
}

function installedVersion({ package: name }: NativeGrammar): string | null {
  try {
    return JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')).version;
  } catch {
    return null;
  }
}

/** The packages ask for older bindings, which npm would take for a conflict. */
function advice(grammars: readonly NativeGrammar[]): string {
  const wanted = new Set(grammars.map(({ package: name, version }) => `${name}@${version}`));
  return `npm install --legacy-peer-deps ${[...wanted].join(' ')}`;
}

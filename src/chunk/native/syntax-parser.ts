import type { Grammar } from '../../../grammars/grammar.ts';
import type { NativeGrammar } from '../../../grammars/native.ts';
import type {
  QueryLimits,
  SyntaxCursor,
  SyntaxMatch,
  SyntaxNode,
  SyntaxQuery,
  SyntaxRange,
  SyntaxTree,
} from '../../../grammars/syntax-tree.ts';
import type { ParseOptions, SyntaxParser } from '../syntax-parser.ts';
import {
  loadLanguage,
  type NativeBinding,
  type NativeParser,
  type NativeQuery,
  type NativeTree,
} from './binding.ts';

/** Twenty times what code without errors takes. A clock may decide, as WebAssembly gives the same chunks. */
const MICROSECONDS = { once: 500_000, perUnit: 4 };

/**
 * A grammar of the native binding. Where a text has an error, the two bindings do not recover from it in the same way, so
 * that such a text goes to WebAssembly: chunks do not depend on the binding.
 */
export class NativeSyntaxParser implements SyntaxParser {
  readonly grammar: Grammar;
  readonly query: SyntaxQuery | null;
  readonly embedded: SyntaxQuery | null;
  readonly #parser: NativeParser;
  readonly #fallback: () => Promise<SyntaxParser>;
  #wasm: SyntaxParser | null = null;

  /** Throws where the grammar or its queries cannot be used. */
  constructor(
    binding: NativeBinding,
    grammar: Grammar,
    native: NativeGrammar,
    fallback: () => Promise<SyntaxParser>,
  ) {
    const language = loadLanguage(native);
    this.grammar = grammar;
    this.#parser = new binding.Parser();
    this.#parser.setLanguage(language);
    this.#fallback = fallback;
    const queryOf = (text: string | undefined, wasm: () => SyntaxQuery | null): SyntaxQuery | null => {
      if (text === undefined) return null;
      const own = new NativeSyntaxQuery(new binding.Query(language, text));
      // A tree goes with the queries of its own binding.
      return {
        matches: (root, limits) =>
          root instanceof binding.SyntaxNode ? own.matches(root, limits) : wasm()!.matches(root, limits),
        patternCount: () => own.patternCount(),
        startIndexForPattern: (index) => own.startIndexForPattern(index),
        endIndexForPattern: (index) => own.endIndexForPattern(index),
      };
    };
    this.query = queryOf(grammar.definitions, () => this.#wasm?.query ?? null);
    this.embedded = queryOf(grammar.embedded, () => this.#wasm?.embedded ?? null);
  }

  async parse(text: string, options: ParseOptions = {}): Promise<SyntaxTree | null> {
    const tree = options.oldTree === undefined ? this.#parseNative(text, options.ranges) : null;
    if (tree !== null) return tree;
    this.#wasm ??= await this.#fallback();
    return this.#wasm.parse(text, options);
  }

  /** Null where the text has an error, or takes too long. */
  #parseNative(text: string, ranges: readonly SyntaxRange[] | undefined): SyntaxTree | null {
    // A callback would be the other way: it costs a tenth of the time, and the binding never lets go of it.
    this.#parser.setTimeoutMicros(MICROSECONDS.once + MICROSECONDS.perUnit * text.length);
    const tree = this.#parser.parse(text, null, {
      bufferSize: text.length + 1,
      ...(ranges === undefined ? {} : { includedRanges: ranges }),
    });
    // A parse that ran out of time would otherwise be resumed by the next one.
    if (tree === null) this.#parser.reset();
    return tree === null || tree.rootNode.hasError ? null : new NativeSyntaxTree(tree);
  }
}

class NativeSyntaxTree implements SyntaxTree {
  #tree: NativeTree | null;

  constructor(tree: NativeTree) {
    this.#tree = tree;
  }

  get rootNode(): SyntaxNode {
    return this.#tree!.rootNode;
  }

  get language(): object {
    return this.#tree!.language;
  }

  walk(): SyntaxCursor {
    return Object.assign(this.#tree!.walk(), { delete: () => {} }) as SyntaxCursor;
  }

  /** The binding frees it with the garbage, which is often: the heap's youngest part is small. */
  delete(): void {
    this.#tree = null;
  }
}

class NativeSyntaxQuery implements SyntaxQuery {
  readonly #query: NativeQuery;

  constructor(query: NativeQuery) {
    this.#query = query;
  }

  patternCount(): number {
    return this.#query.predicates.length;
  }

  startIndexForPattern(index: number): number {
    return this.#query.startIndexForPattern(index);
  }

  endIndexForPattern(index: number): number {
    return this.#query.endIndexForPattern(index);
  }

  matches(root: SyntaxNode, { endIndex, ...limits }: QueryLimits = {}): SyntaxMatch[] {
    // The binding takes the start in bytes, and the end in UTF-16 units.
    const to = endIndex === undefined ? {} : { endIndex: endIndex / 2 };
    return this.#query
      .matches(root, { ...limits, ...to })
      .map(({ pattern, captures }) => ({ patternIndex: pattern, captures }));
  }
}

import type { Query, TreeCursor } from 'web-tree-sitter';
import { type Definition, DefinitionCollector } from '../../grammars/definitions.ts';
import type { LoadedGrammar } from './grammar-loader.ts';

/** By the number of a node's type: whether a pattern begins with it, and whether definitions stand in it. */
const CANDIDATE = 1;
const HOLDER = 2;
const HOLDER_DEPTH = { maxStartDepth: 3 };
const CANDIDATE_DEPTH = { maxStartDepth: 1 };
const NODE_ALONE = { maxStartDepth: 0 };

const NONE: readonly Definition[] = [];
const kindsOf = new WeakMap<Query, Uint8Array>();

/**
 * Finds definitions along a walk that only enters what is larger than a chunk. A query over the whole tree looks at each
 * token, which takes a third of the time that the parser took; here most are never looked at.
 */
export class DefinitionFinder {
  readonly #kinds: Uint8Array;
  readonly #collector: DefinitionCollector;

  constructor({ grammar, language }: LoadedGrammar, query: Query) {
    let kinds = kindsOf.get(query);
    if (kinds === undefined) {
      kinds = nodeKinds(grammar.holders ?? [], query, grammar.definitions ?? '', language.types);
      kindsOf.set(query, kinds);
    }
    this.#kinds = kinds;
    this.#collector = new DefinitionCollector(grammar, query);
  }

  /** At a node whose children the walk visits: the definitions that begin with it. */
  enter(type: number, cursor: TreeCursor): readonly Definition[] {
    const kind = this.#kinds[type] ?? 0;
    return (kind & CANDIDATE) === 0 ? NONE : this.#collector.look(cursor.currentNode, NODE_ALONE);
  }

  /** At a node that the walk does not enter: what it defines, or holds without much around it. */
  pass(type: number, cursor: TreeCursor): readonly Definition[] {
    const kind = this.#kinds[type] ?? HOLDER;
    if (kind === 0) return NONE;
    return this.#collector.look(cursor.currentNode, (kind & HOLDER) === 0 ? CANDIDATE_DEPTH : HOLDER_DEPTH);
  }

  /** All that was found, in order of their starts, the outer before the inner. */
  definitions(): Definition[] {
    return this.#collector.definitions();
  }
}

function nodeKinds(
  holders: readonly string[],
  query: Query,
  text: string,
  types: readonly (string | null | undefined)[],
): Uint8Array {
  const beginnings = new Set<string>();
  let all = false;
  for (let i = 0; i < query.patternCount(); i++) {
    const pattern = text.slice(query.startIndexForPattern(i), query.endIndexForPattern(i));
    const type = /^\s*\(\s*([a-z]\w*)/.exec(pattern)?.[1];
    if (type === undefined) all = true;
    else beginnings.add(type);
  }
  return Uint8Array.from(types, (type) =>
    typeof type !== 'string'
      ? 0
      : (all || beginnings.has(type) ? CANDIDATE : 0) | (holders.includes(type) ? HOLDER : 0),
  );
}

import { type Definition, DefinitionCollector } from '../../grammars/definitions.ts';
import type { SyntaxCursor, SyntaxQuery } from '../../grammars/syntax-tree.ts';
import type { SyntaxParser } from './syntax-parser.ts';

/** By the type of a node: whether a pattern begins with it, and whether definitions stand in it. */
const CANDIDATE = 1;
const HOLDER = 2;
const HOLDER_DEPTH = { maxStartDepth: 3 };
const CANDIDATE_DEPTH = { maxStartDepth: 1 };
const NODE_ALONE = { maxStartDepth: 0 };

/** The number of every ERROR. */
const ERROR = 0xffff;
const NONE: readonly Definition[] = [];
const kindsOf = new WeakMap<SyntaxQuery, NodeKinds>();

/**
 * Finds definitions along a walk that only enters what is larger than a chunk. A query over the whole tree looks at each
 * token, which takes a third of the time that the parser took; here most are never looked at.
 */
export class DefinitionFinder {
  readonly #kinds: NodeKinds;
  readonly #collector: DefinitionCollector;

  constructor({ grammar }: SyntaxParser, query: SyntaxQuery) {
    let kinds = kindsOf.get(query);
    if (kinds === undefined) {
      kinds = new NodeKinds(grammar.holders ?? [], query, grammar.definitions ?? '');
      kindsOf.set(query, kinds);
    }
    this.#kinds = kinds;
    this.#collector = new DefinitionCollector(grammar, query);
  }

  /** At a node whose children the walk visits: the definitions that begin with it. */
  enter(type: number, cursor: SyntaxCursor): readonly Definition[] {
    if (type === ERROR || (this.#kinds.at(cursor, type) & CANDIDATE) === 0) return NONE;
    return this.#collector.look(cursor.currentNode, NODE_ALONE);
  }

  /** At a node that the walk does not enter: what it defines, or holds without much around it. */
  pass(type: number, cursor: SyntaxCursor): readonly Definition[] {
    const kind = type === ERROR ? HOLDER : this.#kinds.at(cursor, type);
    if (kind === 0) return NONE;
    return this.#collector.look(cursor.currentNode, (kind & HOLDER) === 0 ? CANDIDATE_DEPTH : HOLDER_DEPTH);
  }

  /** All that was found, in order of their starts, the outer before the inner. */
  definitions(): Definition[] {
    return this.#collector.definitions();
  }
}

/** Told once for each type of node, by its name, and then by its number. */
class NodeKinds {
  readonly #kinds: number[] = [];
  readonly #holders: ReadonlySet<string>;
  readonly #beginnings = new Set<string>();
  /** A pattern begins with any node. */
  #all = false;

  constructor(holders: readonly string[], query: SyntaxQuery, text: string) {
    this.#holders = new Set(holders);
    for (let i = 0; i < query.patternCount(); i++) {
      const pattern = text.slice(query.startIndexForPattern(i), query.endIndexForPattern(i));
      const type = /^\s*\(\s*([a-z]\w*)/.exec(pattern)?.[1];
      if (type === undefined) this.#all = true;
      else this.#beginnings.add(type);
    }
  }

  /** Of the node at the cursor, whose type has the number `type`. */
  at(cursor: SyntaxCursor, type: number): number {
    const kind = this.#kinds[type];
    if (kind !== undefined) return kind;
    const name = cursor.nodeType;
    this.#kinds[type] =
      (this.#all || this.#beginnings.has(name) ? CANDIDATE : 0) | (this.#holders.has(name) ? HOLDER : 0);
    return this.#kinds[type];
  }
}

import type { Grammar } from './grammar.ts';
import type { QueryLimits, SyntaxNode, SyntaxQuery } from './syntax-tree.ts';

/** A named piece of a file. Offsets are UTF-16 units, rows count from 0 and are inclusive; it holds no tree node. */
export interface Definition {
  readonly kind: string;
  readonly name: string;
  /** The owner, where the syntax names it elsewhere than in an enclosing definition. */
  readonly scope: string | undefined;
  /** The node's id, unique within its tree. */
  readonly nodeId: number;
  readonly startIndex: number;
  readonly endIndex: number;
  /** Where the body begins: the text from `startIndex` up to here is the signature. Of what is long, or where asked for. */
  readonly bodyIndex: number | undefined;
}

/** The runtime counts depths in 16 bits: below 65,535 its queries find nothing, in quadratic time. */
export const MAX_START_DEPTH = 4096;

/** A heading or a selector list can be as long as a page; a symbol should not be. */
const MAX_NAME = 200;

/**
 * What `grammar.definitions` finds under `root`, ordered by start, the outer before the inner.
 * A node that several patterns match is reported once, as the last pattern in the query's text has it. With `places`, only
 * what touches one of them.
 */
export function findDefinitions(
  grammar: Grammar,
  query: SyntaxQuery,
  root: SyntaxNode,
  options: { readonly signatures?: boolean; readonly places?: readonly QueryLimits[] } = {},
): Definition[] {
  const { signatures = false, places = [{}] } = options;
  const limits = { maxStartDepth: grammar.definitionDepth ?? MAX_START_DEPTH };
  const collector = new DefinitionCollector(grammar, query, signatures);
  for (const place of places) collector.look(root, { ...limits, ...place });
  return collector.definitions();
}

/** Gathers the definitions of one tree from several places, which may overlap. */
export class DefinitionCollector {
  readonly #grammar: Grammar;
  readonly #query: SyntaxQuery;
  readonly #signatures: boolean;
  readonly #found = new Map<number, { pattern: number; definition: Definition }>();

  constructor(grammar: Grammar, query: SyntaxQuery, signatures = false) {
    this.#grammar = grammar;
    this.#query = query;
    this.#signatures = signatures;
  }

  /** What a look at `root` adds: definitions that are new, or that a later pattern says more about. */
  look(root: SyntaxNode, limits: QueryLimits): Definition[] {
    const added: Definition[] = [];
    for (const match of this.#query.matches(root, limits)) {
      let whole: SyntaxNode | undefined;
      let kind = '';
      let name: SyntaxNode | undefined;
      let scope: SyntaxNode | undefined;
      let body: SyntaxNode | undefined;
      for (const capture of match.captures) {
        if (capture.name === 'name') name ??= capture.node;
        else if (capture.name === 'scope') scope ??= capture.node;
        else if (capture.name === 'body') body = capture.node;
        else if (capture.name.startsWith('definition.')) {
          whole = capture.node;
          kind = capture.name.slice('definition.'.length);
        }
      }
      if (whole === undefined || name === undefined) continue;
      const earlier = this.#found.get(whole.id);
      if (earlier !== undefined && earlier.pattern >= match.patternIndex) continue;
      const text = oneLine(name);
      if (text === '') continue;
      const definition: Definition = {
        kind,
        name: text,
        scope: scope === undefined ? undefined : oneLine(scope),
        nodeId: whole.id,
        startIndex: whole.startIndex,
        endIndex: (body ?? whole).endIndex,
        bodyIndex:
          this.#signatures || long(whole) ? (body?.startIndex ?? bodyStart(this.#grammar, whole)) : undefined,
      };
      this.#found.set(whole.id, { pattern: match.patternIndex, definition });
      added.push(definition);
    }
    return added;
  }

  /** All that was found, ordered by start, the outer before the inner. */
  definitions(): Definition[] {
    return [...this.#found.values()]
      .map((entry) => entry.definition)
      .sort((a, b) => a.startIndex - b.startIndex || b.endIndex - a.endIndex);
  }
}

/** Longer than some chunk may be: the part of it that is in another chunk than its beginning is told by its signature. */
function long({ startIndex, endIndex }: SyntaxNode): boolean {
  return endIndex - startIndex > 256;
}

/** On one line, without the quotes or braces that a key, a module or a heading may wear. */
function oneLine(node: SyntaxNode): string {
  const text = node.text.length > 4 * MAX_NAME ? node.text.slice(0, 4 * MAX_NAME) : node.text;
  const line = text.replace(/\s+/g, ' ').trim();
  return cutShort(line.replace(/^(?:(["'])(.*)\1|\{(.*)\})$/, '$2$3'), MAX_NAME);
}

/** Its first `length` UTF-16 units, or one less where that would halve a character. */
export function cutShort(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
}

/** The body is a field or a child of the node, or, as in `const f = () => {}`, of what it declares. */
function bodyStart(grammar: Grammar, node: SyntaxNode): number | undefined {
  for (const body of grammar.body ?? []) {
    let at: SyntaxNode | null = node;
    for (let depth = 0; at !== null && depth < 4; depth++) {
      const field = at.childForFieldName(body);
      if (field !== null) return field.startIndex;
      for (let i = 0; i < Math.min(at.namedChildCount, 16); i++) {
        const child = at.namedChild(i);
        if (child?.type === body) return child.startIndex;
      }
      at = at.childForFieldName('value') ?? at.childForFieldName('declarator') ?? at.lastNamedChild;
    }
  }
  return undefined;
}

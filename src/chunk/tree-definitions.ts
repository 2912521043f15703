import { type Definition, findDefinitions } from '../../grammars/definitions.ts';
import type { EditableTree, SyntaxNode, SyntaxTree } from '../../grammars/syntax-tree.ts';
import { DefinitionFinder } from './definition-finder.ts';
import type { KeptTree, TextEdit } from './kept-tree.ts';
import type { SyntaxParser } from './syntax-parser.ts';

/** What has a name in `tree`, ordered by start; nothing where looking would take too long. */
export function treeDefinitions(grammar: SyntaxParser, tree: SyntaxTree): Definition[] {
  if (grammar.query === null || bracketSoup(tree.rootNode)) return [];
  return findDefinitions(grammar.grammar, grammar.query, tree.rootNode);
}

/** For languages that say where definitions stand; null for others. */
export function definitionFinder(grammar: SyntaxParser, tree: SyntaxTree): DefinitionFinder | null {
  if (grammar.query === null || grammar.grammar.holders === undefined || bracketSoup(tree.rootNode))
    return null;
  return new DefinitionFinder(grammar, grammar.query);
}

/**
 * An error with thousands of bare tokens in it: a query looks through all later siblings for a named one at each step,
 * which is quadratic where there is none.
 */
function bracketSoup(root: SyntaxNode): boolean {
  const error = root.isError ? root : root.lastChild;
  return error?.isError === true && error.childCount > 2000 && error.namedChildCount * 10 < error.childCount;
}

interface Range {
  readonly startIndex: number;
  readonly endIndex: number;
}

/** With more changes than this it is quicker to look everywhere. */
const MAX_RANGES = 32;

/**
 * The same as {@link treeDefinitions}, where `tree` was made out of `old` by `edit`: looks again only at what the edit
 * touched, or what has another place in the syntax since.
 */
export function editedDefinitions(
  grammar: SyntaxParser,
  tree: EditableTree,
  old: KeptTree,
  edit: TextEdit,
): Definition[] {
  const changed = old.tree.getChangedRanges(tree);
  if (grammar.query === null || changed.length > MAX_RANGES) return treeDefinitions(grammar, tree);
  if (bracketSoup(tree.rootNode)) return [];
  const touched: Range[] = [
    { startIndex: edit.start, endIndex: edit.newEnd },
    ...changed.map(({ startIndex, endIndex }) => ({ startIndex, endIndex })),
  ];
  const touches = ({ startIndex, endIndex }: Range) =>
    touched.some((range) => startIndex <= range.endIndex && endIndex >= range.startIndex);
  const shift = edit.newEnd - edit.oldEnd;
  const kept: Definition[] = [];
  for (const definition of old.definitions) {
    const { startIndex, endIndex } = definition;
    if (endIndex >= edit.start && startIndex <= edit.oldEnd) continue;
    const by = startIndex > edit.oldEnd ? shift : 0;
    const moved =
      by === 0
        ? definition
        : {
            ...definition,
            startIndex: startIndex + by,
            endIndex: endIndex + by,
            bodyIndex: definition.bodyIndex === undefined ? undefined : definition.bodyIndex + by,
          };
    if (!touches(moved)) kept.push(moved);
  }
  // The binding takes these two in bytes of its own UTF-16 text.
  const places = touched.map(({ startIndex, endIndex }) => ({
    startIndex: 2 * Math.max(0, startIndex - 1),
    endIndex: 2 * (endIndex + 1),
  }));
  const found = findDefinitions(grammar.grammar, grammar.query, tree.rootNode, { places }).filter(touches);
  return [...kept, ...found].sort(outerFirst);
}

export function outerFirst(a: Range, b: Range): number {
  return a.startIndex - b.startIndex || b.endIndex - a.endIndex;
}

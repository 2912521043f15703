import type { Node, Tree } from 'web-tree-sitter';
import { type Definition, findDefinitions } from '../../grammars/definitions.ts';
import type { LoadedGrammar } from './grammar-loader.ts';

/** What has a name in `tree`, ordered by start; nothing where looking would take too long. */
export function treeDefinitions(grammar: LoadedGrammar, tree: Tree): Definition[] {
  if (grammar.query === null || bracketSoup(tree.rootNode)) return [];
  return findDefinitions(grammar.grammar, grammar.query, tree.rootNode);
}

/**
 * An error with thousands of bare tokens in it: a query looks through all later siblings for a named one at each step,
 * which is quadratic where there is none.
 */
function bracketSoup(root: Node): boolean {
  const error = root.isError ? root : root.lastChild;
  return error?.isError === true && error.childCount > 2000 && error.namedChildCount * 10 < error.childCount;
}

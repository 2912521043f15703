/**
 * What is used of a syntax tree, whichever binding made it. Offsets are UTF-16 units. The classes of web-tree-sitter are
 * of this shape as they are; `src/chunk/native` gives it to those of the native binding.
 */
export interface SyntaxTree {
  readonly rootNode: SyntaxNode;
  /** The same object for all trees of a grammar. */
  readonly language: object;
  /** A cursor on the root. The caller deletes it. */
  walk(): SyntaxCursor;
  /** Frees the tree; its nodes are not of use after that. */
  delete(): void;
}

/** A tree that can be told of edits, and a newer one made out of it. */
export interface EditableTree extends SyntaxTree {
  edit(edit: SyntaxEdit): void;
  /** Where `newer`, made out of this tree, has another structure. */
  getChangedRanges(newer: EditableTree): readonly SyntaxRange[];
}

export function isEditable(tree: SyntaxTree): tree is EditableTree {
  return 'getChangedRanges' in tree;
}

/** Lives as long as its tree. */
export interface SyntaxNode {
  /** Unique within the tree. */
  readonly id: number;
  readonly type: string;
  readonly text: string;
  readonly startIndex: number;
  readonly endIndex: number;
  readonly startPosition: SyntaxPoint;
  readonly endPosition: SyntaxPoint;
  readonly isError: boolean;
  /** True where the node or one below it is an error. */
  readonly hasError: boolean;
  readonly childCount: number;
  readonly namedChildCount: number;
  readonly lastChild: SyntaxNode | null;
  readonly lastNamedChild: SyntaxNode | null;
  readonly namedChildren: readonly SyntaxNode[];
  namedChild(index: number): SyntaxNode | null;
  childForFieldName(name: string): SyntaxNode | null;
}

export interface SyntaxCursor {
  readonly nodeType: string;
  /** The same number for all nodes of a type. */
  readonly nodeTypeId: number;
  readonly nodeIsNamed: boolean;
  /** Of the node below the one that the cursor began at. */
  readonly currentDepth: number;
  readonly currentNode: SyntaxNode;
  readonly startIndex: number;
  readonly endIndex: number;
  gotoFirstChild(): boolean;
  gotoLastChild(): boolean;
  gotoNextSibling(): boolean;
  gotoPreviousSibling(): boolean;
  gotoParent(): boolean;
  delete(): void;
}

/** A compiled query; it lives as long as its grammar is loaded. */
export interface SyntaxQuery {
  matches(root: SyntaxNode, limits?: QueryLimits): SyntaxMatch[];
  patternCount(): number;
  /** Where a pattern stands in the query's text. */
  startIndexForPattern(index: number): number;
  endIndexForPattern(index: number): number;
}

export interface QueryLimits {
  /** How deep below `root` a match may begin. */
  readonly maxStartDepth?: number;
  /** Only matches that touch the text from here to there, in bytes of UTF-16. */
  readonly startIndex?: number;
  readonly endIndex?: number;
}

export interface SyntaxMatch {
  /** Which pattern of the query's text, from 0. */
  readonly patternIndex: number;
  readonly captures: readonly { readonly name: string; readonly node: SyntaxNode }[];
}

/** Rows count from 0; a column is in UTF-16 units. */
export interface SyntaxPoint {
  readonly row: number;
  readonly column: number;
}

/** A part of a text. */
export interface SyntaxRange {
  readonly startIndex: number;
  readonly endIndex: number;
  readonly startPosition: SyntaxPoint;
  readonly endPosition: SyntaxPoint;
}

/** `[startIndex, oldEndIndex)` became `[startIndex, newEndIndex)`. */
export interface SyntaxEdit {
  readonly startIndex: number;
  readonly oldEndIndex: number;
  readonly newEndIndex: number;
  readonly startPosition: SyntaxPoint;
  readonly oldEndPosition: SyntaxPoint;
  readonly newEndPosition: SyntaxPoint;
}

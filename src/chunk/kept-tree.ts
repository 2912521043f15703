import type { Definition } from '../../grammars/definitions.ts';
import type { EditableTree } from '../../grammars/syntax-tree.ts';

/** The tree of a text that may be edited, and what was found in it. Whoever holds it disposes it. */
export class KeptTree implements Disposable {
  readonly text: string;
  readonly tree: EditableTree;
  readonly definitions: readonly Definition[];
  #disposed = false;

  constructor(text: string, tree: EditableTree, definitions: readonly Definition[]) {
    this.text = text;
    this.tree = tree;
    this.definitions = definitions;
  }

  /** Tells the tree what to change to become that of `text`; null where nothing does. */
  edit(text: string): TextEdit | null {
    const edit = editBetween(this.text, text);
    if (edit === null) return null;
    const startPosition = advance(this.text, 0, edit.start, { row: 0, column: 0 });
    this.tree.edit({
      startIndex: edit.start,
      oldEndIndex: edit.oldEnd,
      newEndIndex: edit.newEnd,
      startPosition,
      oldEndPosition: advance(this.text, edit.start, edit.oldEnd, startPosition),
      newEndPosition: advance(text, edit.start, edit.newEnd, startPosition),
    });
    return edit;
  }

  /** Idempotent. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.tree.delete();
  }
}

/** `[start, oldEnd)` of the old text became `[start, newEnd)` of the new one. */
export interface TextEdit {
  readonly start: number;
  readonly oldEnd: number;
  readonly newEnd: number;
}

const BLOCK = 4096;

/** The smallest range that holds all edits between two texts; null where they are the same. */
export function editBetween(before: string, after: string): TextEdit | null {
  if (before === after) return null;
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  // Whole blocks first: those are compared without a call for each character.
  while (start + BLOCK <= shorter && before.slice(start, start + BLOCK) === after.slice(start, start + BLOCK))
    start += BLOCK;
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  const most = shorter - start;
  const tail = (text: string, from: number) => text.slice(text.length - from - BLOCK, text.length - from);
  let same = 0;
  while (same + BLOCK <= most && tail(before, same) === tail(after, same)) same += BLOCK;
  while (
    same < most &&
    before.charCodeAt(before.length - 1 - same) === after.charCodeAt(after.length - 1 - same)
  )
    same++;
  return { start, oldEnd: before.length - same, newEnd: after.length - same };
}

function advance(text: string, from: number, to: number, at: { row: number; column: number }) {
  let { row, column } = at;
  let line = from;
  for (let newline = text.indexOf('\n', from); newline !== -1 && newline < to; ) {
    row++;
    column = 0;
    line = newline + 1;
    newline = text.indexOf('\n', line);
  }
  return { row, column: column + to - line };
}

import type { Grammar } from '../../grammars/grammar.ts';
import type { SyntaxCursor, SyntaxTree } from '../../grammars/syntax-tree.ts';
import { type Bracket, OPENERS, type Span, trackBracket } from './brackets.ts';
import { isSpace } from './characters.ts';
import { indentation } from './cut.ts';

/** Deeper brackets are no code, and take some parsers time by the square of their depth, and much memory. */
const MAX_DEPTH = 1000;
/** More open brackets are not closed. */
const MAX_LEVELS = 64;
/** Longer ones are no strings of one line, but quotes out of step. */
const MAX_STRING = 4096;
/** A closer may leave out this many brackets: then it was they that were no brackets. */
const MAX_SKIPPED = 4;
/** Nodes that are complete where they end, whatever follows. */
const COMPLETE =
  /(?:statement|declaration|definition|comment|pair|item|member|element|entry|rule|clause|function|method|class|field|case)$/;

/** The longest character between apostrophes is `'\\u{10FFFF}'`. */
const MAX_CHARACTER = 12;

/**
 * What closes that which `text` leaves open. Parsed behind a window that ends in the middle of it, it spares the parser an
 * error that would hide the whole construct. A guess, as it knows no syntax. Linear in the length of `text`.
 */
export function closersOf(text: string, grammar: Grammar): string {
  return grammar.blockEnds === undefined
    ? openBrackets(text, grammar).slice(-MAX_LEVELS).reverse().join('')
    : blockClosers(text, grammar, grammar.blockEnds);
}

/** True where the nesting of `text` is more than a parser's memory or time is made for. Linear in its length. */
export function nestedTooDeep(text: string, grammar: Grammar): boolean {
  return (
    grammar.tooDeep?.(text) === true || (grammar.kind === 'code' && nestedDeeper(text, MAX_DEPTH, grammar))
  );
}

/** Whether brackets in `text` are nested deeper than `depth`, without those in strings and comments. */
function nestedDeeper(text: string, depth: number, grammar: Grammar): boolean {
  let open = 0;
  let deeper = false;
  for (let i = 0; i < text.length && !deeper; i++) {
    const c = text.charCodeAt(i);
    if (c === 40 || c === 91 || c === 123) deeper = ++open > depth;
    else if ((c === 41 || c === 93 || c === 125) && open > 0) open--;
  }
  if (!deeper) return false;
  // So many may be openers in strings: it is worth a closer look.
  let deepest = 0;
  openBrackets(text, grammar, (levels) => {
    deepest = Math.max(deepest, levels);
  });
  return deepest > depth;
}

/** What closes the brackets that `text` leaves open, the innermost last. Strings of one line and comments are skipped. */
function openBrackets(text: string, grammar: Grammar, onOpen?: (levels: number) => void): string[] {
  const { lineComment } = grammar;
  const open: string[] = [];
  let commentsEnd = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 34 || c === 39 || c === 96) {
      i = stringEnd(text, i, c, c === 39 && grammar.apostrophes ? MAX_CHARACTER : MAX_STRING);
    } else if (c === 40 || c === 91 || c === 123) {
      open.push(OPENERS[text[i]!]!);
      onOpen?.(open.length);
    } else if (c === 41 || c === 93 || c === 125) {
      const closed = open.slice(-MAX_SKIPPED).lastIndexOf(text[i]!);
      if (closed !== -1) open.length += closed - Math.min(open.length, MAX_SKIPPED);
    } else if (c === 47 && text.charCodeAt(i + 1) === 42) {
      // Where no more end, none is looked for: `a/*` may stand a hundred thousand times.
      const end: number = commentsEnd ? -1 : text.indexOf('*/', i + 2);
      commentsEnd = end === -1;
      if (end !== -1) i = end + 1;
    } else if (
      lineComment !== undefined &&
      c === lineComment.charCodeAt(0) &&
      text.startsWith(lineComment, i)
    ) {
      const end = text.indexOf('\n', i);
      i = end === -1 ? text.length : end;
    }
  }
  return open;
}

/**
 * What closes the blocks that `text` leaves open, in a language that ends them with words. Which they are, indentation
 * tells: each line before the end that is indented less than all between.
 */
function blockClosers(text: string, grammar: Grammar, ends: NonNullable<Grammar['blockEnds']>): string {
  let least = Number.POSITIVE_INFINITY;
  let closers = '';
  let levels = 0;
  let end = text.length;
  while (least > 0 && end > 0 && levels < MAX_LEVELS) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    const indent = indentation(text, start);
    const line = text.slice(start, Math.min(end, start + MAX_STRING));
    if (indent < Math.min(least, end - start)) {
      const word = ends.find(([opener]) => opener.test(line))?.[1];
      const brackets = openBrackets(line, grammar).reverse().join('');
      if (word !== undefined || brackets !== '') levels++;
      closers += `${word === undefined ? '' : `\n${word}`}${brackets}`;
      least = indent;
    }
    end = start - 1;
  }
  return closers;
}

/** Where the string that begins at `start` ends, at most `longest` further on; `start` where it does not look like one. */
function stringEnd(text: string, start: number, quote: number, longest: number): number {
  const limit = Math.min(text.length, start + longest);
  for (let i = start + 1; i < limit; i++) {
    const c = text.charCodeAt(i);
    if (c === quote) return i;
    if (c === 10) return start;
    if (c === 92) i++;
  }
  return start;
}

/**
 * The tag that closes the raw element that is open where `text` ends, '' where none is: what is in one cannot be known
 * for what it is before its end.
 */
export function rawElementCloser(text: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  let open = '';
  for (const [, slash, name] of text.matchAll(new RegExp(`<(/?)(${names.join('|')})\\b`, 'gi'))) {
    open = slash === '' ? `</${name}>` : '';
  }
  return open;
}

/** True where an error on the right edge of the text covers a large part of it, as an unclosed construct makes one. */
export function endsInError(tree: SyntaxTree, end: number, large: number): boolean {
  const cursor = tree.walk();
  try {
    for (;;) {
      if (cursor.nodeType === 'ERROR' && end - cursor.startIndex >= large) return true;
      if (!lastChildBefore(cursor, end)) return false;
      if (end - cursor.startIndex < large) return false;
    }
  } finally {
    cursor.delete();
  }
}

/** How much of a text of `length` the parser could not read, in UTF-16 units: its outermost errors, and what is in no node. */
export function errorUnits(tree: SyntaxTree, length: number): number {
  const cursor = tree.walk();
  let units = length - (cursor.endIndex - cursor.startIndex);
  try {
    for (;;) {
      const error = cursor.nodeType === 'ERROR';
      if (error) units += cursor.endIndex - cursor.startIndex;
      if (!error && cursor.currentNode.hasError && cursor.gotoFirstChild()) continue;
      while (!cursor.gotoNextSibling()) if (!cursor.gotoParent()) return units;
    }
  } finally {
    cursor.delete();
  }
}

/** How a text that stops in the middle of something can be read as if it did not. */
export interface Ending {
  /** Where the last part ends that is complete in itself. */
  readonly end: number;
  /** What closes that which is open there. */
  readonly closers: string;
}

/** The ending of a text that a parser read up to `to` and found unfinished; hardly more than `room` units before `to`. */
export function endingOf(tree: SyntaxTree, text: string, to: number, room: number): Ending {
  const cursor = tree.walk();
  const open: Bracket[] = [];
  let end = to;
  try {
    for (;;) {
      const inError = cursor.nodeType === 'ERROR';
      const brackets: Bracket[] = [];
      const children = childrenBefore(cursor, text, to, brackets);
      if (children.length === 0 || !lastChildBefore(cursor, to)) break;
      const goesOn = cursor.currentNode.hasError;
      if (inError && !goesOn) end = completeEnd(children, to, room);
      open.push(...brackets.filter((bracket) => bracket.end <= end));
      if (!goesOn) break;
    }
  } finally {
    cursor.delete();
  }
  end = Math.min(end, to);
  const closers = open
    .slice(-MAX_LEVELS)
    .map(({ closer }) => closer)
    .reverse()
    .join('');
  return { end, closers: closers === '' ? '' : lastIndentation(text, end) + closers };
}

/** White space that brings what follows a line break at `end` to the column of the last line; '' where there is none. */
function lastIndentation(text: string, end: number): string {
  if (text[end - 1] !== '\n') return '';
  let last = end - 1;
  while (last > 0 && isSpace(text.charCodeAt(last))) last--;
  const line = text.lastIndexOf('\n', last) + 1;
  return text.slice(line, line + indentation(text, line));
}

interface Child extends Span {
  readonly type: string;
  readonly named: boolean;
}

function childrenBefore(cursor: SyntaxCursor, text: string, to: number, brackets: Bracket[]): Child[] {
  const children: Child[] = [];
  if (!cursor.gotoFirstChild()) return children;
  let previousEnd = cursor.startIndex;
  do {
    const { startIndex: start, endIndex: end } = cursor;
    if (start >= to) break;
    // A missing token has no text.
    if (end === start) continue;
    children.push({ type: cursor.nodeType, start, end, named: cursor.nodeIsNamed });
    trackBracket(brackets, text, previousEnd, cursor);
    previousEnd = end;
  } while (cursor.gotoNextSibling());
  cursor.gotoParent();
  return children;
}

/** Where the last of the children ends that is complete, by what separates it from the next or by what it is. */
function completeEnd(children: readonly Child[], to: number, room: number): number {
  for (let i = children.length - 1; i >= 0; i--) {
    const { type, start, end, named } = children[i]!;
    if (to - end > room) break;
    if (type === ',') return start;
    if (type === ';' || type === '}' || (named && COMPLETE.test(type))) return end;
  }
  for (let i = children.length - 1; i >= 0; i--) {
    const next = children[i + 1];
    const operatorFollows = next === undefined || (!next.named && OPENERS[next.type] === undefined);
    if (children[i]!.named && operatorFollows) return children[i]!.end;
  }
  return to;
}

/** Moves to the last child that has text before `end`; missing tokens have none. */
export function lastChildBefore(cursor: SyntaxCursor, end: number): boolean {
  if (!cursor.gotoLastChild()) return false;
  while (cursor.startIndex === cursor.endIndex || cursor.startIndex >= end) {
    if (!cursor.gotoPreviousSibling()) break;
  }
  return true;
}

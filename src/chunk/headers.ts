import type { Tree, TreeCursor } from 'web-tree-sitter';

const MAX_LEVELS = 64;
const MAX_HEADER = 512;
const MAX_TOTAL = 6 * 1024;
/** Longer ones are no strings of one line, but quotes out of step. */
const MAX_STRING = 4096;
/** A closer may leave out this many brackets: then it was they that were no brackets. */
const MAX_SKIPPED = 4;
const OPENERS: Record<string, string> = { '{': '}', '(': ')', '[': ']' };

/**
 * The text that opens what is still open at `at`: for each construct around it what stands before its body. Parsed in
 * front of the next window, it puts the rest of the construct into the context that it had. At most 64 levels and 6 KB,
 * the innermost ones. What begins at `stop` or later is not looked into.
 */
export function openHeaders(tree: Tree, text: string, at: number, stop = Number.POSITIVE_INFINITY): string {
  const cursor = tree.walk();
  try {
    const levels = descend(cursor, at, text, stop);
    const headers: string[] = [];
    let total = 0;
    for (let i = levels.length - 1; i >= 0 && headers.length < MAX_LEVELS; i--) {
      const header = headerText(text, levels[i]!, at);
      total += header.length;
      if (total > MAX_TOTAL) break;
      headers.push(header);
    }
    return headers.reverse().join('');
  } finally {
    cursor.delete();
  }
}

/**
 * The brackets that close what `text` leaves open. Parsed behind a window that ends in the middle of it, they spare the
 * parser an error that would hide the whole construct. Strings of one line and comments are skipped; a guess all the same,
 * as it knows no syntax. Linear in the length of `text`.
 */
export function closersOf(text: string, lineComment: string | undefined): string {
  const open: string[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 34 || c === 39 || c === 96) {
      i = stringEnd(text, i, c);
    } else if (c === 40 || c === 91 || c === 123) {
      open.push(OPENERS[text[i]!]!);
    } else if (c === 41 || c === 93 || c === 125) {
      const closed = open.slice(-MAX_SKIPPED).lastIndexOf(text[i]!);
      if (closed !== -1) open.length += closed - Math.min(open.length, MAX_SKIPPED);
    } else if (c === 47 && text.charCodeAt(i + 1) === 42) {
      const end = text.indexOf('*/', i + 2);
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
  return open.slice(-MAX_LEVELS).reverse().join('');
}

/** Where the string that begins at `start` ends; `start` where it does not look like one. */
function stringEnd(text: string, start: number, quote: number): number {
  const limit = Math.min(text.length, start + MAX_STRING);
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
export function endsInError(tree: Tree, end: number, large: number): boolean {
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

/** Moves to the last child that has text before `end`; missing tokens have none. */
export function lastChildBefore(cursor: TreeCursor, end: number): boolean {
  if (!cursor.gotoLastChild()) return false;
  while (cursor.startIndex === cursor.endIndex || cursor.startIndex >= end) {
    if (!cursor.gotoPreviousSibling()) break;
  }
  return true;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Bracket extends Span {
  readonly closer: string;
}

/** Where the headers of the levels around `at` stand, outermost first. */
function descend(cursor: TreeCursor, at: number, text: string, stop: number): Span[] {
  const headers: Span[] = [];
  let root = true;
  for (;;) {
    const type = cursor.nodeType;
    const start = cursor.startIndex;
    if (!cursor.gotoFirstChild()) return headers;
    // An #if that never ends would be an error in the next window; its body stands well without it. The headings of
    // sections are replayed on their own.
    const transparent = root || type.startsWith('preproc_') || type === 'ERROR' || type === 'section';
    let opener = -1;
    if (OPENERS[cursor.nodeType] !== undefined && cursor.endIndex <= at) opener = cursor.endIndex;
    if (type === 'ERROR') {
      const reached = gatherBrackets(cursor, at, text, headers);
      if (!reached) return headers;
    } else {
      // From the end, where the place mostly is: a list may have a hundred thousand children.
      cursor.gotoParent();
      lastChildBefore(cursor, at + 1);
      while (cursor.endIndex <= at || cursor.endIndex === cursor.startIndex) {
        if (!cursor.gotoNextSibling()) return headers;
      }
    }
    if (!transparent) {
      const inner = Math.min(cursor.startIndex, at);
      if (inner - start <= MAX_HEADER) headers.push({ start, end: inner });
      else if (opener !== -1) headers.push({ start, end: opener });
    }
    if (cursor.startIndex >= Math.min(at, stop)) return headers;
    root = false;
  }
}

/** Goes from the first child of an error to the one that reaches beyond `at`, if there is one; adds what is open there. */
function gatherBrackets(cursor: TreeCursor, at: number, text: string, headers: Span[]): boolean {
  const brackets: Bracket[] = [];
  let previousEnd = cursor.startIndex;
  let reached = true;
  while (cursor.endIndex <= at || cursor.endIndex === cursor.startIndex) {
    const child = cursor.nodeType;
    trackBracket(brackets, child, text, previousEnd, cursor);
    if (child === ';' || child === '}' || child === ',' || child.endsWith('statement')) {
      previousEnd = cursor.endIndex;
    }
    if (!cursor.gotoNextSibling()) {
      reached = false;
      break;
    }
  }
  headers.push(...brackets);
  return reached;
}

function trackBracket(
  brackets: Bracket[],
  type: string,
  text: string,
  statementStart: number,
  cursor: TreeCursor,
): void {
  const closer = OPENERS[type];
  if (closer !== undefined) {
    const line = lineStart(text, cursor.startIndex);
    const before = brackets[brackets.length - 1]?.end ?? 0;
    brackets.push({
      closer,
      start: Math.max(
        before,
        statementStart,
        Math.min(line, cursor.startIndex),
        cursor.endIndex - MAX_HEADER,
      ),
      end: cursor.endIndex,
    });
  } else if (brackets[brackets.length - 1]?.closer === type) {
    brackets.pop();
  }
}

/** Where the line of `at` begins, or `MAX_HEADER` before it. */
function lineStart(text: string, at: number): number {
  const from = Math.max(0, at - MAX_HEADER);
  return from + text.slice(from, at).lastIndexOf('\n') + 1;
}

/** Keeps a header's own indentation, drops that of what follows it, and keeps a line break where there was one. */
function headerText(text: string, { start, end }: Span, at: number): string {
  const line = lineStart(text, start);
  const from = text.slice(line, start).trim() === '' ? line : start;
  const header = text.slice(from, end).replace(/\n[ \t]*$/, '\n');
  if (header.trim() === '') return '';
  const newlineFollows = text.slice(end, Math.min(at, end + 256)).includes('\n');
  return !header.endsWith('\n') && newlineFollows ? `${header}\n` : header;
}

import type { SyntaxCursor, SyntaxTree } from '../../grammars/syntax-tree.ts';
import { type Bracket, lineStart, MAX_HEADER, opens, type Span, trackBracket } from './brackets.ts';
import { isSpace } from './characters.ts';
import { lastChildBefore } from './unfinished.ts';

const MAX_LEVELS = 64;
const MAX_TOTAL = 6 * 1024;

/** A construct around a place in a text. */
export interface Level {
  /** The node's type; ERROR for a bracket in text that the parser could not read. */
  readonly type: string;
  readonly start: number;
  /** What opens it; empty where nothing does that could stand alone. */
  readonly header: Span;
  /** Its text can be read without what stands around it. */
  readonly alone: boolean;
}

/**
 * The text that opens the constructs of `levels`, outermost first. Parsed in front of the text from `carry` on, it puts
 * that into the context that it had. Of the outermost construct that began at most `room` units before, all its text is
 * taken, of those around it what stands before their bodies: at most 64 levels and 6 KB, the innermost ones.
 */
export function headersOf(levels: readonly Level[], text: string, carry: number, room: number): string {
  const near = levels.findIndex(
    ({ alone, start }) => alone && start < carry && carry - lineStart(text, start) <= room,
  );
  const outer = near === -1 ? levels : levels.slice(0, near);
  const spans: Span[] = [];
  let total = 0;
  for (const { header } of outer.toReversed()) {
    if (text.slice(header.start, header.end).trim() === '') continue;
    total += header.end - header.start;
    if (total > MAX_TOTAL || spans.length === MAX_LEVELS) break;
    spans.push(header);
  }
  spans.reverse();
  if (near !== -1) spans.push({ start: levels[near]!.start, end: carry });
  let headers = '';
  let end = 0;
  for (const span of spans) {
    headers += headers === '' ? indentation(text, span.start) : between(text, end, span.start);
    end = span.end;
    if (end < carry) while (end > span.start && isSpace(text.charCodeAt(end - 1))) end--;
    headers += text.slice(span.start, end);
  }
  return headers !== '' && end < carry ? headers + between(text, end, carry) : headers;
}

/** What to write in the place of `text[end, start)`: what follows keeps its line or its column. */
function between(text: string, end: number, start: number): string {
  if (text.slice(end, start).includes('\n')) return `\n${indentation(text, start)}`;
  return isSpace(text.charCodeAt(end)) ? ' ' : '';
}

/** White space that brings `at` to its column. Columns beyond the length of a header do not matter. */
function indentation(text: string, at: number): string {
  const before = text.slice(lineStart(text, at), at);
  return before.length >= MAX_HEADER ? '' : before.replace(/[^\t]/g, ' ');
}

/**
 * The constructs around `at`, outermost first, in a text that is known up to `to`. What begins at `stop` or later is not
 * looked into.
 */
export function levelsAt(
  tree: SyntaxTree,
  text: string,
  at: number,
  to: number,
  stop = Number.POSITIVE_INFINITY,
): Level[] {
  const levels: Level[] = [];
  const cursor = tree.walk();
  try {
    while (cursor.startIndex < Math.min(at, stop) && enter(cursor, text, at, to, levels));
    return levels;
  } finally {
    cursor.delete();
  }
}

/** Goes to the child that `at` lies in or before, if there is one; adds the level of the node that it comes from. */
function enter(cursor: SyntaxCursor, text: string, at: number, to: number, levels: Level[]): boolean {
  const { nodeType: type, startIndex: start, endIndex: end } = cursor;
  const root = cursor.currentDepth === 0;
  if (!cursor.gotoFirstChild()) {
    if (!root && end > at) levels.push({ type, start, header: firstLine(text, start, at), alone: true });
    return false;
  }
  if (type === 'ERROR') return enterError(cursor, text, at, levels);
  const lead = leadEnd(cursor, text, at, start);
  // From the end, where the place mostly is: a list may have a hundred thousand children.
  cursor.gotoParent();
  lastChildBefore(cursor, at + 1);
  let inside = true;
  while (inside && (cursor.endIndex <= at || cursor.endIndex === cursor.startIndex)) {
    inside = cursor.gotoNextSibling();
  }
  if (root) return inside;
  const inner = inside ? Math.min(cursor.startIndex, at) : at;
  // An #if that never ends would be an error in the next window; its body stands well without it.
  const conditional = type.startsWith('preproc_');
  const headerEnd = conditional ? start : inner - start <= MAX_HEADER ? inner : lead;
  levels.push({ type, start, header: { start, end: headerEnd }, alone: !conditional || end < to });
  return inside;
}

/**
 * Of a node whose children from the first one on stand before `at`: where that ends which opens it, be it brackets, a tag
 * or keywords, with what follows them on their line.
 */
function leadEnd(cursor: SyntaxCursor, text: string, at: number, start: number): number {
  const brackets: Bracket[] = [];
  let lead = start;
  let leading = true;
  do {
    const { nodeType: type, endIndex: end } = cursor;
    if (end > at || end - start > MAX_HEADER) break;
    if (end === cursor.startIndex) continue;
    trackBracket(brackets, text, start, cursor);
    const opening = !cursor.nodeIsNamed || opens(type);
    const title = lead > start && endsLine(text, end) && !text.slice(start, end).includes('\n');
    if (leading && (opening || title)) lead = end;
    if (!opening || type === ';' || type === ',') leading = false;
  } while (cursor.gotoNextSibling());
  return Math.max(lead, brackets.at(-1)?.end ?? start);
}

/** Of a comment or a string: its first line, which opens it again. */
function firstLine(text: string, start: number, at: number): Span {
  const line = text.indexOf('\n', start);
  return { start, end: line === -1 || line >= at || line - start > MAX_HEADER ? start : line + 1 };
}

function endsLine(text: string, at: number): boolean {
  let next = at;
  while (next < text.length && text.charCodeAt(next) !== 10 && isSpace(text.charCodeAt(next))) next++;
  return next === text.length || text.charCodeAt(next) === 10;
}

/** From the first child of an error to the one that reaches beyond `at`, if there is one; adds the brackets open there. */
function enterError(cursor: SyntaxCursor, text: string, at: number, levels: Level[]): boolean {
  const brackets: Bracket[] = [];
  let previousEnd = cursor.startIndex;
  let inside = true;
  while (inside && (cursor.endIndex <= at || cursor.endIndex === cursor.startIndex)) {
    const type = cursor.nodeType;
    if (cursor.endIndex > cursor.startIndex) trackBracket(brackets, text, previousEnd, cursor);
    if (type === ';' || type === '}' || type === ',' || type.endsWith('statement')) {
      previousEnd = cursor.endIndex;
    }
    inside = cursor.gotoNextSibling();
  }
  for (const { start, end } of brackets) {
    levels.push({ type: 'ERROR', start, header: { start, end }, alone: false });
  }
  return inside;
}

import type { Definition } from '../../grammars/definitions.ts';
import type { HeadingStyle } from '../../grammars/grammar.ts';

/** A heading of a document: `start` to `end` are its lines in UTF-16 units, an underline included. */
export interface Heading {
  readonly start: number;
  readonly end: number;
  /** 1 is the outermost. */
  readonly level: number;
  readonly title: string;
}

const MAX_TITLE = 200;
const MAX_TITLE_LINES = 8;
const MARKS: Record<Exclude<HeadingStyle, 'underlined'>, RegExp> = {
  markdown: /^ {0,3}(#{1,6})(?=[ \t])/gm,
  equals: /^(={1,6})(?=[ \t])/gm,
  stars: /^(\*{1,8})(?=[ \t])/gm,
};
const RULE = /^([=\-~^"'`#*+.:_])\1{2,}(?=[ \t]*\r?$)/gm;

/** The headings of a document, in order. Linear in the length of `text`. */
export function findHeadings(text: string, style: HeadingStyle): Heading[] {
  return style === 'underlined' ? underlined(text) : marked(text, MARKS[style]);
}

function marked(text: string, mark: RegExp): Heading[] {
  const headings: Heading[] = [];
  for (const match of text.matchAll(mark)) {
    const end = lineEnd(text, match.index);
    const title = titleOf(text.slice(match.index + match[0].length, end)).replace(/[ \t]+[#=]+$/, '');
    if (title !== '') headings.push({ start: match.index, end, level: match[1]!.length, title });
  }
  return headings;
}

/** As in reStructuredText: which character stands for which level is told by the order of their appearance. */
function underlined(text: string): Heading[] {
  const headings: Heading[] = [];
  const levels: string[] = [];
  for (const match of text.matchAll(RULE)) {
    const titleEnd = match.index - 1;
    if (titleEnd <= 0) continue;
    const titleStart = text.lastIndexOf('\n', titleEnd - 1) + 1;
    const title = titleOf(text.slice(titleStart, Math.min(titleEnd, titleStart + 2 * MAX_TITLE)));
    if (
      !/[\p{L}\p{N}]/u.test(title) ||
      match[0].length + 2 < title.length ||
      titleEnd - titleStart > MAX_TITLE
    )
      continue;
    const aboveStart = text.lastIndexOf('\n', titleStart - 2) + 1;
    // The line under one heading is not the line over the next.
    const taken = aboveStart < (headings.at(-1)?.end ?? 0);
    const above = taken ? '' : text.slice(aboveStart, Math.max(0, titleStart - 1)).trim();
    const overlined = above === match[0];
    if (above !== '' && !overlined) continue;
    const style = `${match[1]}${overlined}`;
    if (!levels.includes(style)) levels.push(style);
    headings.push({
      start: overlined ? aboveStart : titleStart,
      end: match.index + match[0].length,
      level: levels.indexOf(style) + 1,
      title,
    });
  }
  return headings;
}

/** The heading whose lines begin at `start`, as a Markdown parser found it. */
export function markdownHeading(text: string, start: number, title: string): Heading {
  const marks = /^#{1,6}/.exec(text.slice(start, start + 6))?.[0];
  let end = lineEnd(text, start);
  if (marks !== undefined) return { start, end, level: marks.length, title };
  // The title of an underlined heading may have several lines.
  for (let line = 0; line < MAX_TITLE_LINES; line++) {
    const next = lineEnd(text, end + 1);
    const rule = /^[\s>]*(=|-)/.exec(text.slice(end + 1, next))?.[1];
    end = next;
    if (rule !== undefined) return { start, end, level: rule === '=' ? 1 : 2, title };
  }
  return { start, end, level: 2, title };
}

function titleOf(line: string): string {
  return line
    .slice(0, 2 * MAX_TITLE)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_TITLE);
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

/** Each heading as the section that reaches to the next one of its level or above; `end` ends the document. */
export function sectionsOf(headings: readonly Heading[], end: number): Definition[] {
  const ends = new Array<number>(headings.length).fill(end);
  const open: number[] = [];
  headings.forEach((heading, i) => {
    while (open.length > 0 && headings[open.at(-1)!]!.level >= heading.level)
      ends[open.pop()!] = heading.start;
    open.push(i);
  });
  return headings.map(({ start, title }, i) => ({
    kind: 'section',
    name: title,
    scope: undefined,
    nodeId: -1 - i,
    startIndex: start,
    endIndex: ends[i]!,
    bodyIndex: undefined,
  }));
}

/** The lines of the headings whose sections are open at `at`: read in front of the next window, they open them again. */
export function openHeadings(text: string, headings: readonly Heading[], at: number): string {
  const open: Heading[] = [];
  for (const heading of headings) {
    if (heading.start >= at) break;
    while (open.length > 0 && open.at(-1)!.level >= heading.level) open.pop();
    open.push(heading);
  }
  return open
    .map(({ start, end }) => `${text.slice(start, Math.min(end, start + 1024)).trimEnd()}\n\n`)
    .join('');
}

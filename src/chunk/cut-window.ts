import { skipSpace } from './characters.ts';
import { findHeadings, openHeadings, sectionsOf } from './headings.ts';
import { type Label, Labeller, NO_LABEL, scopeAt } from './labels.ts';
import { languageByName } from './languages.ts';
import { addLines } from './lines.ts';
import { type MergedRanges, mergePieces } from './merge.ts';
import type { ParsedWindow } from './parsed-window.ts';
import { GLUED, Pieces } from './pieces.ts';
import { syntaxPieces } from './syntax.ts';
import { tokenPrefix, UNITS_PER_TOKEN } from './token-estimate.ts';
import { type LexicalReason, NO_SCOPE, type OpenScope, type WindowRequest } from './window-request.ts';

/** Where a window is cut, in UTF-16 units of `text`; the window itself begins at `from`. */
export interface Cut {
  readonly text: string;
  readonly from: number;
  readonly ranges: MergedRanges;
  readonly labels: readonly Label[];
  /** By range: the language of an embedded text that is most of it. */
  readonly languages: readonly (string | null)[];
  /** Where the next window begins. */
  readonly carry: number;
  readonly scope: OpenScope;
}

/** Cuts a window along its syntax. */
export function cutParsed(parsed: ParsedWindow, maxTokens: number, last: boolean): Cut | LexicalReason {
  const { text, from, to, prefix } = parsed;
  const limit = maxTokens * UNITS_PER_TOKEN;
  const { pieces, definitions, leadStarts } = syntaxPieces(parsed, limit, !last);
  const ranges = mergePieces(pieces, prefix, limit, last);
  let carry = ranges.ends.at(-1) ?? from;
  if (!last && carry - from < (to - from) / 4) return 'no-progress';
  const labeller = new Labeller(
    definitions.map((d) => ({
      ...d,
      startIndex: leadStarts.get(d.startIndex) ?? d.startIndex,
      ownIndex: d.startIndex,
    })),
    text,
  );
  const labels = ranges.starts.map((start, i) => labeller.label(start, ranges.ends[i]!));
  const languages = languagesOf(parsed, ranges);
  if (last) return { text, from, ranges, labels, languages, carry: to, scope: NO_SCOPE };
  const next = skipSpace(text, carry);
  // White space in the middle of a line would look like the next chunk's indentation.
  if (text[carry - 1] !== '\n' && !text.slice(carry, next).includes('\n')) carry = next;
  const scope = { headers: parsed.openHeaders(next, carry), names: scopeAt(definitions, next) };
  return { text, from, ranges, labels, languages, carry, scope };
}

function languagesOf({ regions }: ParsedWindow, ranges: MergedRanges): (string | null)[] {
  let next = 0;
  return ranges.starts.map((start, i) => {
    const end = ranges.ends[i]!;
    while (next < regions.length && regions[next]!.end <= start) next++;
    let most: string | null = null;
    for (let at = next; at < regions.length && regions[at]!.start < end; at++) {
      const region = regions[at]!;
      const shared = Math.min(end, region.end) - Math.max(start, region.start);
      if (shared * 2 > end - start) most = region.language;
    }
    return most;
  });
}

/** Cuts a window at its lines, and where its language has headings, at those first. */
export function cutByLines(request: WindowRequest, body: string): Cut {
  const style = languageByName(request.language ?? '')?.headings;
  const head = style === undefined ? '' : request.scope.headers;
  const text = head + body;
  const from = head.length;
  const headings = style === undefined ? [] : findHeadings(text, style);
  const sections = sectionsOf(headings, text.length);
  const prefix = tokenPrefix(text);
  const limit = request.maxTokens * UNITS_PER_TOKEN;
  const pieces = new Pieces();
  const levels = headings.reduce((most, { level }) => Math.max(most, level), 0);
  const body_ = (start: number, end: number, depth: number) =>
    addLines(pieces, text, prefix, start, end, limit, depth);
  let at = from;
  for (const { start, end, level } of headings) {
    if (start < from) continue;
    body_(at, start, levels);
    const first = pieces.length;
    body_(start, end, 0);
    if (first < pieces.length) {
      pieces.cutCosts[first] = level - 1;
      pieces.roles[first] = 'definition';
      pieces.cutCosts.fill(GLUED + levels, first + 1);
    }
    at = end;
  }
  body_(at, text.length, levels);
  const ranges = mergePieces(pieces, prefix, limit, request.last);
  const labeller = new Labeller(
    sections.map((section) => ({ ...section, ownIndex: section.startIndex })),
    text,
  );
  const around = style === undefined ? request.scope.names : [];
  const label = (start: number, end: number): Label =>
    style === undefined ? { ...NO_LABEL, scope: around } : labeller.label(start, end);
  const labels = ranges.starts.map((start, i) => label(start, ranges.ends[i]!));
  const open = ranges.pendingStart === -1 ? text.length : ranges.pendingStart;
  // A window with a single piece must not come back unchanged.
  const carry = open === from && !request.last ? text.length : open;
  if (carry !== open) {
    ranges.starts.push(from);
    ranges.ends.push(text.length);
    labels.push(label(from, text.length));
  }
  const languages = ranges.starts.map(() => null);
  if (request.last) return { text, from, ranges, labels, languages, carry: text.length, scope: NO_SCOPE };
  const next = skipSpace(text, carry);
  const scope =
    style === undefined
      ? NO_SCOPE
      : { headers: openHeadings(text, headings, next), names: scopeAt(sections, next) };
  return { text, from, ranges, labels, languages, carry, scope };
}

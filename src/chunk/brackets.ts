import type { SyntaxCursor } from '../../grammars/syntax-tree.ts';

/** A header may have so many UTF-16 units. */
export const MAX_HEADER = 512;
export const OPENERS: Record<string, string> = { '{': '}', '(': ')', '[': ']' };
/** Openers of what is embedded in a string. */
const INTERPOLATION: Record<string, string> = { '${': '}', '#{': '}' };
/** Opens a string, and closes it. */
const QUOTE = /^(?:"|'|`|"{3}|'{3})$/;
/** Nodes that open an element, an environment or a string, as a bracket does. */
const OPENING_TAG = /^(?:STag|CDStart|start_tag|opening_element|jsx_opening_element|begin|string_start)$/;
const CLOSING_TAG = /^(?:ETag|\]\]>|end_tag|closing_element|jsx_closing_element|end|string_end)$/;

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Something that opens a construct, with what stands before it in its statement. */
export interface Bracket extends Span {
  /** What closes it in the source. */
  readonly closer: string;
  readonly isTag: boolean;
}

/** Whether a child of this type opens what follows it. */
export function opens(type: string): boolean {
  return bracketCloser(type) !== undefined || OPENING_TAG.test(type);
}

function bracketCloser(type: string): string | undefined {
  return OPENERS[type] ?? INTERPOLATION[type];
}

/** Adds the cursor's node to what is `open` if it opens something, and takes away what it closes. */
export function trackBracket(
  open: Bracket[],
  text: string,
  statementStart: number,
  cursor: SyntaxCursor,
): void {
  const type = cursor.nodeType;
  const quote = QUOTE.test(type) && open.at(-1)?.closer !== type;
  if (quote || opens(type)) {
    const bracket = quote ? type : bracketCloser(type);
    const { startIndex, endIndex } = cursor;
    open.push({
      isTag: bracket === undefined,
      closer: bracket ?? closingTag(text.slice(startIndex, startIndex + MAX_HEADER)),
      start: Math.max(
        open.at(-1)?.end ?? 0,
        statementStart,
        Math.min(lineStart(text, startIndex), startIndex),
        endIndex - MAX_HEADER,
      ),
      end: endIndex,
    });
  } else {
    const last = open.at(-1);
    if (last !== undefined && (last.isTag ? CLOSING_TAG.test(type) : last.closer === type)) open.pop();
  }
}

function closingTag(text: string): string {
  const name = /^<([^\s/>]+)/.exec(text)?.[1];
  if (text.startsWith('<![CDATA[')) return ']]>';
  if (name !== undefined) return `</${name}>`;
  const quotes = /^[a-zA-Z]{0,3}("{3}|'{3}|["'])/.exec(text)?.[1];
  if (quotes !== undefined) return quotes;
  const environment = /^\\begin\s*(\{[^}]*\})/.exec(text)?.[1];
  return environment === undefined ? '' : `\n\\end${environment}`;
}

/** Where the line of `at` begins, or `MAX_HEADER` before it. */
export function lineStart(text: string, at: number): number {
  const from = Math.max(0, at - MAX_HEADER);
  return from + text.slice(from, at).lastIndexOf('\n') + 1;
}

/** ASCII white space alone: what other scripts call a space is text that some chunk should hold. */
export function isSpace(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}

/** The first place in `text[from, to)` that is not white space, else `to`. */
export function skipSpace(text: string, from: number, to = text.length): number {
  let at = from;
  while (at < to && isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** `)`, `]` or `}`. */
export function isCloser(c: number): boolean {
  return c === 41 || c === 93 || c === 125;
}

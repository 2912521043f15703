/** The parser keeps the names of all open elements, and copies them at each token: by the square of their depth. */
const MAX_DEPTH = 500;
/** Elements that have no end, or whose end may be left out: https://html.spec.whatwg.org/multipage/syntax.html#optional-tags */
const WITHOUT_END = new Set(
  (
    'area base basefont br caption col colgroup dd dt embed frame hr img input li link meta optgroup option p param ' +
    'rb rp rt source tbody td tfoot th thead tr track wbr'
  ).split(' '),
);
const NAME = /[a-z][^\s/>]*/iy;

/** True where so many elements are open at once that no person has written them. Linear in the length of `text`. */
export function elementsTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at)) {
    const ends = text[at + 1] === '/';
    NAME.lastIndex = at + (ends ? 2 : 1);
    const name = NAME.exec(text)?.[0].toLowerCase();
    const close = text.startsWith('<!--', at) ? '-->' : '>';
    const tagEnd = text.indexOf(close, at + 1);
    if (tagEnd === -1) return false;
    at = tagEnd;
    if (name === undefined || text[tagEnd - 1] === '/' || WITHOUT_END.has(name)) continue;
    if (ends) depth = Math.max(0, depth - 1);
    else if (name === 'script' || name === 'style') {
      // What lies in it are no tags.
      at = text.indexOf(`</${name}`, tagEnd);
      if (at === -1) return false;
      at++;
    } else if (++depth > MAX_DEPTH) return true;
  }
  return false;
}

/** Longer runs are data (base64, hashes), not words that anyone types. */
const MAX_TERM = 64;
const WORD = /[\p{L}\p{N}_$]+/gu;
const PART = /\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+|\p{N}+/gu;

const OTHER = 0;
const LOWER = 1;
const UPPER = 2;
const DIGIT = 3;
const JOINER = 4;
const CLASSES = Uint8Array.from({ length: 128 }, (_, c) => {
  if (c >= 97 && c <= 122) return LOWER;
  if (c >= 65 && c <= 90) return UPPER;
  if (c >= 48 && c <= 57) return DIGIT;
  return c === 95 || c === 36 ? JOINER : OTHER;
});

/**
 * Splits text into search terms the way a person would type them: each identifier as a whole, lower-cased, and the
 * words in it (camelCase, snake_case, acronyms, digits). The same function serves documents and queries.
 */
export function searchTerms(text: string): string[] {
  const terms: string[] = [];
  let at = 0;
  while (at < text.length) {
    const c = text.charCodeAt(at);
    if (c < 128 && CLASSES[c] === OTHER) {
      at++;
      continue;
    }
    const end = asciiWordEnd(text, at);
    if (end < text.length && text.charCodeAt(end) > 127) {
      at = unicodeWord(text, at, terms);
    } else {
      if (end - at <= MAX_TERM) addAscii(text, at, end, terms);
      at = end;
    }
  }
  return terms;
}

function asciiWordEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const c = text.charCodeAt(at);
    if (c > 127 || CLASSES[c] === OTHER) break;
    at++;
  }
  return at;
}

function addAscii(text: string, start: number, end: number, terms: string[]): void {
  const whole = text.slice(start, end).toLowerCase();
  const first = terms.length;
  let at = start;
  while (at < end) {
    const kind = CLASSES[text.charCodeAt(at)]!;
    let next = at + 1;
    if (kind === UPPER) {
      while (next < end && CLASSES[text.charCodeAt(next)] === UPPER) next++;
      if (next < end && CLASSES[text.charCodeAt(next)] === LOWER) {
        // In 'HTTPServer' the last capital begins the next word.
        if (next - at > 1) next--;
        else while (next < end && CLASSES[text.charCodeAt(next)] === LOWER) next++;
      }
    } else {
      while (next < end && CLASSES[text.charCodeAt(next)] === kind) next++;
    }
    if (kind !== JOINER) addPart(whole, at - start, next - start, terms);
    at = next;
  }
  finishWord(whole, first, terms);
}

function addPart(whole: string, from: number, to: number, terms: string[]): void {
  terms.push(from === 0 && to === whole.length ? whole : whole.slice(from, to));
}

/** The whole identifier stands beside its words; of a compound, words of one letter are noise. */
function finishWord(whole: string, first: number, terms: string[]): void {
  const count = terms.length - first;
  if (count === 0) return;
  if (count === 1) {
    if (terms[first] !== whole) terms.push(whole);
    return;
  }
  let kept = first;
  for (let i = first; i < terms.length; i++) if (terms[i]!.length > 1) terms[kept++] = terms[i]!;
  terms.length = kept;
  terms.push(whole);
}

/** A word with letters beyond ASCII; returns where it ends. */
function unicodeWord(text: string, start: number, terms: string[]): number {
  WORD.lastIndex = start;
  const match = WORD.exec(text.slice(0, Math.min(text.length, start + 4 * MAX_TERM)));
  if (match === null || match.index !== start) return start + 1;
  const word = match[0];
  if (word.length <= MAX_TERM) {
    const first = terms.length;
    for (const part of word.match(PART) ?? []) terms.push(part.toLowerCase());
    finishWord(word.toLowerCase(), first, terms);
  }
  return start + word.length;
}

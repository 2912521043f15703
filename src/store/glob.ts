import { BadGlobError } from './errors.ts';

const MAX_LENGTH = 4096;
const MAX_DEPTH = 8;
const REGEX_SPECIAL = /[\\^$.|?*+()[\]{}#&~-]/;
/** A bracket without any of these also matches itself literally, as in picomatch: Next.js names files `[slug].tsx`. */
const CLASS_SPECIAL = /[-*+?.^${}(|)[\]]/;

export interface PathPattern {
  /** The pattern was negated with a leading `!`. */
  negated: boolean;
  /** What every match starts with, literally. */
  prefix: string;
  /** The whole pattern is literal: `prefix` is the one path that matches. */
  literal: boolean;
  /** Anchored regular expression in the syntax of Rust's regex crate. */
  regex: string;
}

const escapeChar = (char: string): string => (REGEX_SPECIAL.test(char) ? `\\${char}` : char);
const escapeText = (text: string): string => [...text].map(escapeChar).join('');

class GlobParser {
  readonly #glob: string;
  readonly #chars: string[];
  #at = 0;
  #depth = 0;
  /** Nothing of the current path segment has been read yet. */
  #fresh = true;
  /** The last thing read was a `*`. */
  #afterStar = false;
  /** Literal text so far, until the first character that is not literal. */
  prefix = '';
  literal = true;

  constructor(glob: string) {
    this.#glob = glob;
    this.#chars = [...glob];
  }

  parse(): string {
    return this.#sequence(false);
  }

  #sequence(inBraces: boolean): string {
    let out = '';
    while (this.#at < this.#chars.length) {
      const char = this.#chars[this.#at]!;
      if (inBraces && (char === ',' || char === '}')) break;
      if (char === '*') out += this.#stars(inBraces);
      else if (char === '/' && this.#globstarFollows(inBraces)) out += this.#slashGlobstar(inBraces);
      else if (char === '?') out += this.#wild('[^/]');
      else if (char === '[') out += this.#bracket();
      else if (char === '{') out += this.#braces();
      else out += this.#text(char);
      this.#afterStar = char === '*';
      this.#fresh = out.endsWith('/') || out.endsWith('/)?');
    }
    return out;
  }

  #text(char: string): string {
    const escaped = char === '\\' && this.#at + 1 < this.#chars.length;
    const literal = escaped ? this.#chars[this.#at + 1]! : char;
    this.#at += escaped ? 2 : 1;
    if (this.literal) this.prefix += literal;
    return escapeChar(literal);
  }

  #wild(source: string, length = 1): string {
    this.literal = false;
    this.#at += length;
    return source;
  }

  #starsAt(at: number): number {
    let end = at;
    while (this.#chars[end] === '*') end += 1;
    return end - at;
  }

  #endsSegment(at: number, inBraces: boolean): boolean {
    const char = this.#chars[at];
    return char === undefined || char === '/' || (inBraces && (char === ',' || char === '}'));
  }

  #globstarFollows(inBraces: boolean): boolean {
    const stars = this.#starsAt(this.#at + 1);
    return stars === 2 && this.#endsSegment(this.#at + 1 + stars, inBraces);
  }

  /** At the end it also matches the directory itself (a file, here), in the middle also a single slash. */
  #slashGlobstar(inBraces: boolean): string {
    this.literal = false;
    this.#at += 3;
    if (this.#chars[this.#at] !== '/') return this.#afterStar ? '/.*' : '(?:/.*)?';
    if (this.#globstarFollows(inBraces)) return '';
    this.#at += 1;
    return '/(?:.*/)?';
  }

  #stars(inBraces: boolean): string {
    const count = this.#starsAt(this.#at);
    const whole = this.#fresh && this.#endsSegment(this.#at + count, inBraces);
    if (count === 2 && whole) {
      if (this.#chars[this.#at + 2] === '/') return this.#wild('(?:.*/)?', 3);
      return this.#wild('.*', 2);
    }
    // As in picomatch, `**.ts` at the very start is short for `**/*.ts`.
    return this.#wild(count === 2 && this.#at === 0 ? '.*' : '[^/]*', count);
  }

  #bracket(): string {
    const start = this.#at + 1;
    const negated = this.#chars[start] === '!' || this.#chars[start] === '^';
    const first = negated ? start + 1 : start;
    let end = first;
    // A bracket that closes at once is its own first member.
    if (this.#chars[end] === ']') end += 1;
    while (end < this.#chars.length && this.#chars[end] !== ']') end += this.#chars[end] === '\\' ? 2 : 1;
    if (end >= this.#chars.length) return this.#text('[');
    const members = this.#chars.slice(first, end);
    const whole = this.#chars.slice(this.#at, end + 1).join('');
    const source = classSource(members, negated);
    const inside = this.#chars.slice(start, end).join('');
    const itself = !CLASS_SPECIAL.test(inside) && !negated;
    return this.#wild(itself ? `(?:${escapeText(whole)}|${source})` : source, end + 1 - this.#at);
  }

  #braces(): string {
    const start = this.#at;
    const saved = { prefix: this.prefix, literal: this.literal };
    const fresh = this.#fresh;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new BadGlobError(this.#glob, 'nests braces too deeply');
    this.literal = false;
    const branches: string[] = [];
    do {
      this.#at += 1;
      this.#fresh = fresh;
      branches.push(this.#sequence(true));
    } while (this.#chars[this.#at] === ',');
    this.#depth -= 1;
    if (this.#chars[this.#at] === '}' && branches.length > 1) {
      this.#at += 1;
      return `(?:${branches.join('|')})`;
    }
    // Not closed, or without a comma: the brace means itself.
    this.#at = start;
    Object.assign(this, saved);
    return this.#text('{');
  }
}

/** `[a-c]` in Rust syntax: each member escaped, so that no set operation (`&&`, `--`) can come about. */
function classSource(members: string[], negated: boolean): string {
  const chars: { char: string; escaped: boolean }[] = [];
  for (let i = 0; i < members.length; i++) {
    const escaped = members[i] === '\\' && i + 1 < members.length;
    if (escaped) i += 1;
    chars.push({ char: members[i]!, escaped });
  }
  let out = '';
  for (let i = 0; i < chars.length; i++) {
    const from = chars[i]!.char;
    const to = chars[i + 2]?.char;
    const dash = chars[i + 1];
    if (dash?.char !== '-' || dash.escaped || to === undefined) out += escapeChar(from);
    else {
      // A range that runs backwards holds nothing.
      if (from.codePointAt(0)! <= to.codePointAt(0)!) out += `${escapeChar(from)}-${escapeChar(to)}`;
      i += 2;
    }
  }
  if (negated) return `[^/${out}]`;
  return out === '' ? '[^\\s\\S]' : `[${out}]`;
}

/**
 * Reads a path glob: `*` and `?` stay within a directory, `**` crosses them, `{a,b}`, `[abc]`, `[!abc]`, `\` escapes,
 * a leading `!` negates. Names that start with a dot are like any other. Parentheses mean themselves.
 * @throws {BadGlobError} when it is empty, too long or nested too deeply
 */
export function parseGlob(glob: string): PathPattern {
  let body = glob;
  let negated = false;
  while (body.startsWith('!')) {
    negated = !negated;
    body = body.slice(1);
  }
  if (body.startsWith('./')) body = body.slice(2);
  if (body === '') throw new BadGlobError(glob, 'is empty');
  if (glob.length > MAX_LENGTH) throw new BadGlobError(glob, `is longer than ${MAX_LENGTH} characters`);
  const parser = new GlobParser(body);
  const source = parser.parse();
  return { negated, prefix: parser.prefix, literal: parser.literal, regex: `(?s)^(?:${source})$` };
}

import type { ByteString } from './byte-string.ts';
import { foldAscii } from './byte-string.ts';
import type { Glob } from './glob.ts';
import { compileGlob, matchGlob } from './glob.ts';

interface Rule {
  readonly index: number;
  readonly negated: boolean;
  readonly directoryOnly: boolean;
  /** Whether this rule is about the whole path below its directory, or about the last name alone. */
  readonly wholePath: boolean;
  /** The bytes that must come first, up to the first wildcard. */
  readonly prefix: ByteString;
  /** What must match after the prefix; undefined where nothing may be left. */
  readonly glob: Glob | undefined;
  /** For `*.ext`: the end that suffices. */
  readonly suffix: ByteString | undefined;
}

/**
 * The rules of one ignore file, with git's semantics (gitignore(5)). It keeps nothing of the paths that it is
 * asked about, so its memory is that of its patterns.
 */
export class IgnoreList {
  readonly #baseLength: number;
  readonly #ignoreCase: boolean;
  readonly #negated: boolean[] = [];
  readonly #directoryOnly: boolean[] = [];
  /** Plain names, the bulk of most files: name to the indexes of its rules, ascending. */
  readonly #names = new Map<ByteString, number[]>();
  readonly #patterns: Rule[] = [];

  /** `baseLength`: how many bytes of a path are the directory of the file, with its slash. */
  constructor(content: ByteString, baseLength: number, ignoreCase: boolean) {
    this.#baseLength = baseLength;
    this.#ignoreCase = ignoreCase;
    for (const pattern of readPatterns(content)) this.#add(pattern);
  }

  /**
   * True: ignored; false: a negated rule takes it back; undefined: no rule is about it. The last rule that
   * matches decides. `path` has no slash at its end, `nameStart` is where its last name begins.
   */
  match(path: ByteString, nameStart: number, isDirectory: boolean): boolean | undefined {
    const text = this.#ignoreCase ? foldAscii(path) : path;
    let decisive = -1;
    if (this.#names.size > 0) {
      const indexes = this.#names.get(text.slice(nameStart)) ?? [];
      for (let i = indexes.length - 1; i >= 0 && decisive < 0; i--) {
        const index = indexes[i] as number;
        if (isDirectory || this.#directoryOnly[index] === false) decisive = index;
      }
    }
    for (let i = this.#patterns.length - 1; i >= 0; i--) {
      const rule = this.#patterns[i] as Rule;
      if (rule.index < decisive) break;
      if (rule.directoryOnly && !isDirectory) continue;
      if (!matchesRule(rule, text, rule.wholePath ? this.#baseLength : nameStart)) continue;
      decisive = rule.index;
      break;
    }
    return decisive < 0 ? undefined : this.#negated[decisive] === false;
  }

  #add(line: ByteString): void {
    const negated = line.startsWith('!');
    let pattern = negated ? line.slice(1) : line;
    const directoryOnly = pattern.endsWith('/');
    if (directoryOnly) pattern = pattern.slice(0, -1);
    if (pattern === '') return;
    const wholePath = pattern.includes('/');
    if (pattern.startsWith('/')) pattern = pattern.slice(1);

    const index = this.#negated.length;
    const wildcard = pattern.search(/[*?[\\]/);
    const literal = wildcard < 0 ? pattern : pattern.slice(0, wildcard);
    const prefix = this.#ignoreCase ? foldAscii(literal) : literal;
    // Only a whole path is cut at its first wildcard: there git takes what follows as a pattern of its own,
    // in which a leading `**` crosses slashes even after a name, as in `a**/b`.
    let glob: Glob | undefined;
    let suffix: ByteString | undefined;
    if (wildcard >= 0) {
      const end = pattern.slice(1);
      if (!wholePath && wildcard === 0 && pattern.startsWith('*') && !/[*?[\\]/.test(end)) {
        suffix = this.#ignoreCase ? foldAscii(end) : end;
      } else {
        glob = compileGlob(wholePath ? pattern.slice(wildcard) : pattern, this.#ignoreCase);
        if (glob === undefined) return;
      }
    }
    this.#negated.push(negated);
    this.#directoryOnly.push(directoryOnly);
    if (!wholePath && wildcard < 0) {
      const indexes = this.#names.get(prefix);
      if (indexes === undefined) this.#names.set(prefix, [index]);
      else indexes.push(index);
      return;
    }
    this.#patterns.push({
      index,
      negated,
      directoryOnly,
      wholePath,
      prefix: wholePath ? prefix : '',
      glob,
      suffix,
    });
  }
}

function matchesRule(rule: Rule, text: ByteString, start: number): boolean {
  if (rule.suffix !== undefined) {
    return text.length - start >= rule.suffix.length && text.endsWith(rule.suffix);
  }
  if (!text.startsWith(rule.prefix, start)) return false;
  const rest = start + rule.prefix.length;
  return rule.glob === undefined ? rest === text.length : matchGlob(rule.glob, text, rest);
}

/** The lines that are patterns, without the blanks at their ends that no backslash protects. */
function* readPatterns(content: ByteString): Generator<ByteString> {
  const body = content.startsWith('\xef\xbb\xbf') ? content.slice(3) : content;
  for (const raw of body.split('\n')) {
    if (raw === '' || raw.startsWith('#')) continue;
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const nul = line.indexOf('\0');
    const pattern = trimEnd(nul < 0 ? line : line.slice(0, nul));
    if (pattern !== '') yield pattern;
  }
}

function trimEnd(line: ByteString): ByteString {
  if (!line.endsWith(' ')) return line;
  let end = 0;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\') at++;
    else if (line[at] === ' ') continue;
    end = at + 1;
  }
  return line.slice(0, end);
}

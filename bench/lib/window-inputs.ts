import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import type { Node } from 'web-tree-sitter';
import { loadGrammar } from '../../src/chunk/grammar-loader.ts';
import { languageByName } from '../../src/chunk/languages.ts';
import { parse } from '../../src/chunk/parse.ts';

/** A text of several windows. */
export interface WindowInput {
  readonly language: string;
  /**
   * `file`: one file as it is; `joined`: many files in one; `repeated`: the same more than once, as there is not enough
   * text in the language.
   */
  readonly made: 'file' | 'joined' | 'repeated';
  /** The file, or the largest of those joined. */
  readonly path: string;
  readonly files: number;
  readonly text: string;
  /** Share of the text that the parser cannot read, where it reads it as a whole. */
  readonly errors: number;
}

/** More than one window of the default size. */
const ENOUGH = 1.3e6;
const PLENTY = 2.3e6;
const LARGEST = 10e6;
const MAX_FILES = 3000;
/** Of a file that the parser cannot read there is no right way to cut it that two ways could agree on. */
const READABLE = 0.1;
/** Files are joined that are free of errors behind one another. */
const CLEAN = 0.0005;

/** Texts of more than 1.3 MB in one language, out of real files (the largest first): up to two files and one of many. */
export async function windowInputs(language: string, paths: readonly string[]): Promise<WindowInput[]> {
  const inputs: WindowInput[] = [];
  const sized = paths.map((path) => ({ path, size: statSync(path).size }));
  for (const { path, size } of sized) {
    if (size < ENOUGH || inputs.length === 2) break;
    const bytes = readFileSync(path);
    if (size > LARGEST || !isUtf8(bytes)) continue;
    const text = bytes.toString();
    const errors = await errorShare(language, text);
    if (errors < READABLE) inputs.push({ language, made: 'file', path, files: 1, text, errors });
  }
  const small = sized.filter(({ size }) => size < ENOUGH).map(({ path }) => path);
  const joined = await join(language, small.slice(0, MAX_FILES));
  return joined === undefined ? inputs : [...inputs, joined];
}

async function join(language: string, paths: readonly string[]): Promise<WindowInput | undefined> {
  const style = JOINS[language] ?? {};
  const whole = (parts: readonly string[]) =>
    `${style.before ?? ''}${parts.map(style.wrap ?? ((part) => part)).join('\n')}${style.after ?? ''}`;
  const parts: string[] = [];
  let largest = '';
  let length = 0;
  for (const path of paths) {
    if (length >= PLENTY) break;
    const bytes = readFileSync(path);
    if (!isUtf8(bytes)) continue;
    let text = bytes
      .toString()
      .replace(/^\ufeff/, '')
      .replace(/^#!.*/, '')
      .replaceAll('\r\n', '\n');
    for (const pattern of style.drop ?? []) text = text.replace(pattern, '');
    const previous = parts.at(-1);
    const together = whole(previous === undefined || previous.length > 2e5 ? [text] : [previous, text]);
    if (text.trim() === '' || (await errorShare(language, together)) > CLEAN) continue;
    largest ||= path;
    parts.push(text);
    length += text.length;
  }
  if (length === 0) return undefined;
  const rounds = Math.ceil(ENOUGH / length);
  const text = whole(new Array<string[]>(rounds).fill(parts).flat());
  const errors = await errorShare(language, text);
  const made = rounds > 1 ? 'repeated' : 'joined';
  return { language, made, path: largest, files: parts.length, text, errors };
}

/** How files of a language can stand in one text. */
interface JoinStyle {
  /** What only one may have, at its head, and what nothing may follow. */
  readonly drop?: readonly RegExp[];
  readonly before?: string;
  readonly wrap?: (part: string) => string;
  readonly after?: string;
}

const END_OF_CODE = /^__(?:END|DATA)__$[\s\S]*/m;

const JOINS: Record<string, JoinStyle> = {
  dart: { drop: [/^(?:import|export|library|part)\b[^;]*;/gm] },
  elm: { drop: [/^(?:(?:port|effect) )?(?:module|import) .*(?:\n+[ \t].*)*/gm] },
  gleam: { drop: [/^(?:import .*|\/{4}.*)/gm] },
  haskell: { drop: [/^module [\s\S]*?\bwhere\b/m, /^import .*(?:\n+[ \t].*)*/gm] },
  kotlin: { drop: [/^(?:@file:|package |import ).*/gm] },
  lua: { wrap: (part) => `do\n${part}\nend` },
  nix: { before: '[\n', wrap: (part) => `(\n${part}\n)`, after: '\n]\n' },
  perl: { drop: [END_OF_CODE] },
  php: { wrap: (part) => (/\?>\s*$/.test(part) ? part : `${part}\n?>`) },
  ruby: { drop: [END_OF_CODE] },
  xml: {
    drop: [/^\s*<\?xml.*?\?>/s, /<!DOCTYPE[^[>]*(?:\[.*?\])?\s*>/s],
    before: '<?xml version="1.0"?>\n<corpus>\n',
    after: '\n</corpus>\n',
  },
};

/** Share of `text` in nodes that are errors. */
async function errorShare(language: string, text: string): Promise<number> {
  const grammar = languageByName(language);
  if (grammar === undefined || text.length === 0) return 0;
  const tree = parse(await loadGrammar(grammar), text);
  if (tree === null) return 1;
  try {
    return errorLength(tree.rootNode) / text.length;
  } finally {
    tree.delete();
  }
}

function errorLength(root: Node): number {
  let length = 0;
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (!node.hasError) continue;
    if (node.isError) length += node.endIndex - node.startIndex;
    else for (const child of node.children) if (child?.hasError) open.push(child);
  }
  return length;
}

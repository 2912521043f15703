import { basename } from 'node:path';
import { type Grammar, grammars } from '../../grammars/index.ts';
import { TidemarkError } from '../errors.ts';

const byName = new Map<string, Grammar>();
const byFilename = new Map<string, Grammar>();
const byExtension = new Map<string, Grammar>();
const byInterpreter = new Map<string, Grammar>();

for (const grammar of grammars) {
  byName.set(grammar.name, grammar);
  for (const alias of grammar.aliases ?? []) byName.set(alias, grammar);
  for (const filename of grammar.filenames ?? []) byFilename.set(filename, grammar);
  for (const extension of grammar.extensions) byExtension.set(extension, grammar);
  for (const interpreter of grammar.shebangs ?? []) byInterpreter.set(interpreter, grammar);
}

/** How much of a file's beginning is looked at, in bytes. */
const LOOK = 8192;

/** Extensions that more than one language uses, and what in the text tells that it is not the usual one. */
const ambiguous: Record<string, readonly { readonly name: string; readonly sign: RegExp }[]> = {
  '.h': [
    { name: 'objective-c', sign: /^\s*(?:@interface|@protocol|@class|@import|#import)\b/m },
    {
      name: 'cpp',
      sign: /^\s*(?:class\s+\w|(?:inline\s+)?namespace\b|template\s*<|using\s+\w|(?:public|private|protected)\s*:)|\bstd::|\bconstexpr\b|^\s*#\s*include\s*<(?:c?(?:string|vector|memory|cstd\w+|iostream|map|utility|functional))>/m,
    },
  ],
  '.m': [{ name: 'matlab', sign: /^\s*(?:function\b[^{]*$|%|classdef\b)/m }],
  '.pl': [{ name: 'prolog', sign: /^\s*:-|^[a-z]\w*\([^)]*\)\s*:-/m }],
  '.pro': [{ name: 'conf', sign: /^\s*(?:QT|TEMPLATE|TARGET|SOURCES|HEADERS)\s*[+*-]?=/m }],
  '.ts': [{ name: 'xml', sign: /^\s*(?:<\?xml|<!DOCTYPE TS|<TS\b)/ }],
  '.v': [
    { name: 'coq', sign: /^\s*(?:Require|From\s+\w+\s+Require|Theorem|Lemma|Inductive|Definition|Proof)\b/m },
  ],
  '.d': [{ name: 'makefile', sign: /^[^\s:]+\.o\s*:/m }],
  '.fs': [{ name: 'glsl', sign: /^\s*#version\b|\bgl_\w+/m }],
  '.s': [{ name: 'r', sign: /<-\s*function\b/ }],
};

/** Nothing is lost by reading these as what they become: `settings.py.example`, `config.h.in`. */
const templateSuffix = /\.(?:example|sample|template|tmpl|dist|in)$/i;

/**
 * The language of a file by its name, else by its `#!` line or a modeline. `firstBytes`, the beginning of the file, also
 * tells apart languages that share an extension (`.h`, `.m`); without it the commonest is meant.
 * Undefined when nothing says: such a file is text.
 */
export function detectLanguage(path: string, firstBytes?: Uint8Array): Grammar | undefined {
  const name = basename(path);
  const named = byFilename.get(name) ?? byLongestExtension(name, firstBytes);
  if (named !== undefined) return named;
  const plain = name.replace(templateSuffix, '');
  if (plain !== name && plain !== '') return detectLanguage(plain, firstBytes);
  // 'Dockerfile.prod' and 'README.first', but not 'configure.log'.
  const stem = name.slice(0, Math.max(0, name.indexOf('.')));
  if (/^[A-Z]/.test(stem) && byFilename.has(stem)) return byFilename.get(stem);
  return firstBytes === undefined ? undefined : byContent(firstBytes);
}

/** The language that a user means: a canonical name or an alias, in any case. */
export function languageByName(nameOrAlias: string): Grammar | undefined {
  return byName.get(nameOrAlias.toLowerCase());
}

/** @throws LanguageError where no language has this name */
export function requireLanguage(nameOrAlias: string): Grammar {
  const grammar = languageByName(nameOrAlias);
  if (grammar === undefined) throw new LanguageError(nameOrAlias);
  return grammar;
}

export class LanguageError extends TidemarkError {
  constructor(name: string) {
    super('ERR_TIDEMARK_LANGUAGE', `there is no language '${name}'; 'tidemark doctor' lists those there are`);
  }
}

/** The canonical names, in alphabetical order. */
export function languageNames(): string[] {
  return grammars.map((grammar) => grammar.name).sort();
}

function byLongestExtension(name: string, firstBytes: Uint8Array | undefined): Grammar | undefined {
  const lower = name.toLowerCase();
  for (let dot = lower.indexOf('.'); dot !== -1; dot = lower.indexOf('.', dot + 1)) {
    const extension = lower.slice(dot);
    const usual = byExtension.get(extension);
    if (usual === undefined) continue;
    const others = ambiguous[extension];
    if (others === undefined || firstBytes === undefined) return usual;
    const text = beginning(firstBytes);
    const other = others.find(({ sign }) => sign.test(text));
    return other === undefined ? usual : byName.get(other.name);
  }
  return undefined;
}

function byContent(firstBytes: Uint8Array): Grammar | undefined {
  const text = beginning(firstBytes);
  if (text.startsWith('<?xml')) return byName.get('xml');
  const line = /^#![ \t]*([^\r\n]*)/.exec(text)?.[1];
  if (line === undefined) return byModeline(text);
  const words = line.split(/[ \t]+/);
  let interpreter = words.shift() ?? '';
  if (posixBase(interpreter) === 'env') {
    // Past env's own options and assignments: `#!/usr/bin/env -S LANG=C python3 -u`.
    interpreter = words.find((word) => !word.startsWith('-') && !word.includes('=')) ?? '';
  }
  const base = posixBase(interpreter).toLowerCase();
  return byInterpreter.get(base) ?? byInterpreter.get(base.replace(/[\d.]+$/, ''));
}

/** What Emacs and Vim read near the top of a file: `-*- C++ -*-`, `-*- mode: ruby -*-`, `vim: ft=sh`. */
function byModeline(text: string): Grammar | undefined {
  const top = text.split('\n', 5).join('\n');
  const emacs = /-\*-(?:.*\bmode:)?[ \t]*([\w+#-]+?)[ \t]*(?:;.*)?-\*-/i.exec(top);
  const vim = /\bvim?:.*\b(?:ft|filetype|syntax)=(\w+)/.exec(top);
  const mode = emacs?.[1] ?? vim?.[1];
  return mode === undefined ? undefined : languageByName(mode);
}

function posixBase(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** As Latin-1: every byte is a character, and the signs that are looked for are ASCII. */
function beginning(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LOOK)).toString('latin1');
  return text.startsWith('\u00ef\u00bb\u00bf') ? text.slice(3) : text;
}

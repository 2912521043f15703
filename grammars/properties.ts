import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

// No definitions: every line of such a file is a key.
export const grammar: Grammar = {
  name: 'properties',
  extensions: ['.properties'],
  filenames: ['.env', 'gradle.properties'],
  kind: 'code',
  wasm: cursorless('properties'),
  comments: ['comment'],
  lineComment: '#',
};

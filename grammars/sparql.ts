import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'sparql',
  extensions: ['.rq', '.sparql'],
  kind: 'code',
  wasm: cursorless('sparql'),
  comments: ['comment'],
  lineComment: '#',
};

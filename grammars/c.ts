import { cDefinitions } from './c-definitions.ts';
import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'c',
  extensions: ['.c', '.h', '.idc'],
  kind: 'code',
  wasm: repomix('c'),
  definitions: cDefinitions,
  body: ['body'],
  comments: ['comment'],
  lineComment: '//',
};

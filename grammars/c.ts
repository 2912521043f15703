import { cDefinitions } from './c-definitions.ts';
import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'c',
  extensions: ['.c', '.h', '.idc'],
  kind: 'code',
  wasm: repomix('c'),
  definitions: cDefinitions,
  holders: [
    'compound_statement',
    'linkage_specification',
    'declaration_list',
    'type_definition',
    'struct_specifier',
    'union_specifier',
    'field_declaration_list',
    'field_declaration',
    'preproc_if',
    'preproc_ifdef',
    'preproc_else',
    'preproc_elif',
    'preproc_elifdef',
  ],
  body: ['body'],
  comments: ['comment'],
  lineComment: '//',
};

import { ecmascriptBody } from './ecmascript.ts';
import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';
import { typescriptDefinitions } from './typescript-definitions.ts';

export const grammar: Grammar = {
  name: 'typescript',
  aliases: ['ts'],
  extensions: ['.ts', '.mts', '.cts', '.d.ts'],
  shebangs: ['ts-node', 'tsx', 'deno'],
  kind: 'code',
  wasm: repomix('typescript'),
  definitions: typescriptDefinitions,
  holders: [
    'class',
    'class_declaration',
    'return_statement',
    'export_statement',
    'class_body',
    'statement_block',
    'lexical_declaration',
    'variable_declaration',
    'variable_declarator',
    'object',
    'pair',
    'expression_statement',
    'assignment_expression',
    'field_definition',
    'internal_module',
    'module',
    'ambient_declaration',
    'public_field_definition',
  ],
  body: ecmascriptBody,
  comments: ['comment', 'html_comment'],
  lineComment: '//',
};

import { ecmascriptBody, ecmascriptDefinitions } from './ecmascript.ts';
import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'javascript',
  aliases: ['js', 'jsx', 'node'],
  extensions: ['.js', '.mjs', '.cjs', '.jsx', '.es6'],
  filenames: ['Jakefile'],
  shebangs: ['node', 'nodejs', 'bun', 'gjs', 'qjs'],
  kind: 'code',
  wasm: repomix('javascript'),
  definitions: `${ecmascriptDefinitions}
(field_definition property: (_) @name value: [(arrow_function) (function_expression)]) @definition.method
`,
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
  ],
  body: ecmascriptBody,
  comments: ['comment', 'html_comment'],
  lineComment: '//',
};

import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'elm',
  extensions: ['.elm'],
  kind: 'code',
  wasm: cursorless('elm'),
  definitions: `
(module_declaration name: (_) @name) @definition.module
(type_alias_declaration name: (_) @name) @definition.type
(type_declaration name: (_) @name) @definition.type
(port_annotation name: (_) @name) @definition.port
(file (value_declaration functionDeclarationLeft:
  (function_declaration_left . (lower_case_identifier) @name)) @definition.function)
`,
  body: ['body', 'typeExpression'],
  comments: ['line_comment', 'block_comment'],
  lineComment: '--',
};

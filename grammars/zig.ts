import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'zig',
  extensions: ['.zig', '.zon'],
  kind: 'code',
  wasm: cursorless('zig'),
  definitions: `
(source_file (variable_declaration . (identifier) @name) @definition.constant)
(variable_declaration . (identifier) @name (struct_declaration)) @definition.struct
(variable_declaration . (identifier) @name (enum_declaration)) @definition.enum
(variable_declaration . (identifier) @name (union_declaration)) @definition.union
(variable_declaration . (identifier) @name (error_set_declaration)) @definition.enum
(function_declaration name: (_) @name) @definition.function
(struct_declaration (function_declaration name: (_) @name) @definition.method)
(enum_declaration (function_declaration name: (_) @name) @definition.method)
(union_declaration (function_declaration name: (_) @name) @definition.method)
(test_declaration [(string (string_content) @name) (identifier) @name]) @definition.test
`,
  body: [
    'body',
    'struct_declaration',
    'enum_declaration',
    'union_declaration',
    'opaque_declaration',
    'block',
  ],
  comments: ['comment'],
  lineComment: '//',
};

import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'gleam',
  extensions: ['.gleam'],
  kind: 'code',
  wasm: cursorless('gleam'),
  definitions: `
(constant name: (_) @name) @definition.constant
(type_definition (type_name name: (_) @name)) @definition.type
(type_alias (type_name name: (_) @name)) @definition.type
(function name: (_) @name) @definition.function
`,
  body: ['body'],
  comments: ['module_comment', 'statement_comment', 'comment'],
  lineComment: '//',
  maxWindow: 64 * 1024,
};

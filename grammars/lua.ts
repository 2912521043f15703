import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'lua',
  extensions: ['.lua', '.rockspec', '.wlua'],
  filenames: ['.luacheckrc'],
  shebangs: ['lua', 'luajit', 'texlua'],
  kind: 'code',
  wasm: cursorless('lua'),
  definitions: `
(function_declaration name: (identifier) @name) @definition.function
(function_declaration name: (dot_index_expression table: (_) @scope field: (_) @name)) @definition.function
(function_declaration name: (method_index_expression table: (_) @scope method: (_) @name)) @definition.method
(assignment_statement (variable_list . name: (identifier) @name)
  (expression_list . value: (function_definition))) @definition.function
(assignment_statement (variable_list . name: (dot_index_expression table: (_) @scope field: (_) @name))
  (expression_list . value: (function_definition))) @definition.function
(field name: (identifier) @name value: (function_definition)) @definition.method
`,
  body: ['body'],
  comments: ['comment'],
  lineComment: '--',
  blockEnds: [
    [/^\s*repeat\b/, 'until true'],
    [/\b(?:function|then|do|else)\b(?!.*\bend\b)/, 'end'],
  ],
};

import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'agda',
  extensions: ['.agda'],
  kind: 'code',
  wasm: cursorless('agda'),
  definitions: `
(module (module_name) @name) @definition.module
(data (data_name) @name) @definition.type
(record (record_name) @name) @definition.record
(source_file (function (lhs (function_name) @name)) @definition.function)
(module (function (lhs (function_name) @name)) @definition.function)
`,
  comments: ['comment'],
  lineComment: '--',
};

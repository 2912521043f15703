import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'nix',
  extensions: ['.nix'],
  kind: 'code',
  wasm: cursorless('nix'),
  definitions: `
(let_expression (binding_set (binding attrpath: (_) @name) @definition.binding))
(binding attrpath: (_) @name expression: (attrset_expression)) @definition.attrset
(binding attrpath: (_) @name expression: (rec_attrset_expression)) @definition.attrset
(binding attrpath: (_) @name expression: (function_expression)) @definition.function
`,
  body: ['expression'],
  comments: ['comment'],
  lineComment: '#',
};

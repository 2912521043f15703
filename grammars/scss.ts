import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'scss',
  extensions: ['.scss'],
  kind: 'code',
  wasm: cursorless('scss'),
  definitions: `
(rule_set (selectors) @name) @definition.rule
(mixin_statement (name) @name) @definition.mixin
(function_statement (name) @name) @definition.function
(keyframes_statement (keyframes_name) @name) @definition.keyframes
`,
  body: ['block'],
  comments: ['comment', 'single_line_comment'],
  lineComment: '//',
};

import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'css',
  extensions: ['.css', '.pcss', '.postcss', '.wxss'],
  kind: 'code',
  wasm: repomix('css'),
  definitions: `
(rule_set (selectors) @name) @definition.rule
(keyframes_statement (keyframes_name) @name) @definition.keyframes
`,
  body: ['block'],
  comments: ['comment', 'js_comment'],
};

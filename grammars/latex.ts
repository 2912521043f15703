import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'latex',
  aliases: ['tex'],
  extensions: ['.tex', '.sty', '.ltx', '.dtx', '.bbx', '.cbx'],
  kind: 'docs',
  wasm: cursorless('latex'),
  definitions: `
(part text: (curly_group) @name) @definition.section
(chapter text: (curly_group) @name) @definition.section
(section text: (curly_group) @name) @definition.section
(subsection text: (curly_group) @name) @definition.section
(subsubsection text: (curly_group) @name) @definition.section
(new_command_definition declaration: (_) @name) @definition.macro
`,
  comments: ['line_comment', 'comment', 'block_comment', 'comment_environment'],
  lineComment: '%',
};

import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'markdown',
  aliases: ['md'],
  extensions: ['.md', '.markdown', '.mdown', '.mkd', '.mkdn', '.mdx', '.mdc', '.rmd', '.qmd'],
  kind: 'docs',
  wasm: cursorless('markdown'),
  definitions: `
(section (atx_heading heading_content: (_) @name)) @definition.section
(setext_heading heading_content: (_) @name) @definition.section
`,
  comments: ['html_block'],
  headings: 'markdown',
  embedded: `
(fenced_code_block (info_string (language) @language) (code_fence_content) @content)
`,
};

import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'markdown',
  aliases: ['md'],
  extensions: ['.md', '.markdown', '.mdown', '.mkd', '.mkdn', '.mdx', '.mdc', '.rmd', '.qmd'],
  kind: 'docs',
  wasm: cursorless('markdown'),
  tooDeep,
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

/**
 * The scanner writes four bytes for each open block into 1024 bytes that the runtime gives it, and does not look whether
 * they fit: 256 blocks spoil the heap without a sign, and what is parsed after them comes out wrong. Each level of a
 * quotation or a list takes one sign, or two columns, at the beginning of a line.
 */
const MAX_COLUMNS = 480;

function tooDeep(text: string): boolean {
  let columns = 0;
  let inPrefix = true;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\n' || c === '\r') {
      columns = 0;
      inPrefix = true;
    } else if (inPrefix) {
      if (c === '>') columns += 2;
      else if (c === '\t') columns += 4;
      else if (' *+-.)'.includes(c) || (c >= '0' && c <= '9')) columns++;
      else inPrefix = false;
      if (columns > MAX_COLUMNS) return true;
    }
  }
  return false;
}

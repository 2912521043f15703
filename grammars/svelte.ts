import { elementsTooDeep } from './element-depth.ts';
import { embeddedInMarkup } from './embedded-in-markup.ts';
import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

// Read as HTML, as no parser of its own loads: its blocks are text there, its elements, scripts and styles are not.
export const grammar: Grammar = {
  name: 'svelte',
  extensions: ['.svelte'],
  kind: 'code',
  wasm: cursorless('html'),
  definitions: `
(script_element (start_tag (tag_name) @name)) @definition.section
(style_element (start_tag (tag_name) @name)) @definition.section
`,
  comments: ['comment'],
  embedded: embeddedInMarkup,
  rawElements: ['script', 'style'],
  tooDeep: elementsTooDeep,
};

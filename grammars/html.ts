import { elementsTooDeep } from './element-depth.ts';
import { embeddedInMarkup } from './embedded-in-markup.ts';
import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'html',
  aliases: ['htm', 'xhtml'],
  extensions: ['.html', '.htm', '.xhtml', '.shtml'],
  kind: 'code',
  wasm: cursorless('html'),
  definitions: `
(element (start_tag (attribute (attribute_name) @_key (quoted_attribute_value (attribute_value) @name)))
  (#eq? @_key "id")) @definition.element
`,
  comments: ['comment'],
  embedded: embeddedInMarkup,
  rawElements: ['script', 'style'],
  tooDeep: elementsTooDeep,
};

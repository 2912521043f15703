import { elementsTooDeep } from './element-depth.ts';
import { embeddedInMarkup } from './embedded-in-markup.ts';
import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'vue',
  extensions: ['.vue'],
  kind: 'code',
  wasm: repomix('vue'),
  definitions: `
(template_element (start_tag (tag_name) @name)) @definition.section
(script_element (start_tag (tag_name) @name)) @definition.section
(style_element (start_tag (tag_name) @name)) @definition.section
`,
  comments: ['comment'],
  embedded: embeddedInMarkup,
  rawElements: ['script', 'style'],
  tooDeep: elementsTooDeep,
};

import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'hcl',
  aliases: ['terraform', 'tf'],
  extensions: ['.tf', '.tfvars', '.hcl', '.nomad', '.tofu'],
  filenames: ['.terraform.lock.hcl'],
  kind: 'code',
  wasm: cursorless('hcl'),
  definitions: `
(config_file (body (attribute . (identifier) @name) @definition.key))
(config_file (body (block . (identifier) @name) @definition.block))
(config_file (body (block . (identifier) @scope . (string_lit) @name) @definition.block))
(config_file (body (block . (identifier) . (string_lit) @scope . (string_lit) @name) @definition.block))
`,
  body: ['body'],
  comments: ['comment'],
  lineComment: '#',
};

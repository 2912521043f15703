import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'scala',
  extensions: ['.scala', '.sc', '.sbt', '.mill'],
  shebangs: ['scala', 'scala-cli', 'amm'],
  kind: 'code',
  wasm: cursorless('scala'),
  definitions: `
(compilation_unit (val_definition pattern: (identifier) @name) @definition.constant)
(template_body (val_definition pattern: (identifier) @name) @definition.constant
  (#match? @name "^[A-Z]"))
(package_object name: (_) @name) @definition.object
(trait_definition name: (_) @name) @definition.trait
(class_definition name: (_) @name) @definition.class
(object_definition name: (_) @name) @definition.object
(enum_definition name: (_) @name) @definition.enum
(given_definition name: (_) @name) @definition.given
(type_definition name: (_) @name) @definition.type
(function_definition name: (_) @name) @definition.function
(template_body (function_definition name: (_) @name) @definition.method)
(template_body (function_declaration name: (_) @name) @definition.method)
`,
  body: ['body'],
  comments: ['comment', 'block_comment'],
  lineComment: '//',
  apostrophes: true,
};

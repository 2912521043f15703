import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'kotlin',
  aliases: ['kt', 'kts'],
  extensions: ['.kt', '.kts', '.ktm'],
  shebangs: ['kotlin', 'kscript'],
  kind: 'code',
  wasm: cursorless('kotlin'),
  definitions: `
(source_file (property_declaration (variable_declaration (simple_identifier) @name)) @definition.property)
(class_declaration (type_identifier) @name) @definition.class
(class_declaration "interface" (type_identifier) @name) @definition.interface
(class_declaration "enum" (type_identifier) @name) @definition.enum
(object_declaration (type_identifier) @name) @definition.object
(companion_object "companion" @name) @definition.object
(companion_object (type_identifier) @name) @definition.object
(type_alias (type_identifier) @name) @definition.type
(secondary_constructor "constructor" @name) @definition.constructor
(function_declaration (simple_identifier) @name) @definition.function
(function_declaration (user_type (type_identifier) @scope) . (simple_identifier) @name) @definition.function
(class_body (function_declaration (simple_identifier) @name) @definition.method)
(enum_class_body (function_declaration (simple_identifier) @name) @definition.method)
`,
  body: ['class_body', 'enum_class_body', 'function_body'],
  comments: ['line_comment', 'multiline_comment'],
  lineComment: '//',
};

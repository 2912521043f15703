import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'swift',
  extensions: ['.swift', '.swiftinterface'],
  shebangs: ['swift'],
  kind: 'code',
  wasm: repomix('swift'),
  definitions: `
(protocol_declaration name: (type_identifier) @name) @definition.protocol
(class_declaration name: (_) @name) @definition.class
(class_declaration "struct" name: (_) @name) @definition.struct
(class_declaration "enum" name: (_) @name) @definition.enum
(class_declaration "actor" name: (_) @name) @definition.actor
(class_declaration "extension" name: (_) @name) @definition.extension
(typealias_declaration name: (type_identifier) @name) @definition.type
(function_declaration name: (simple_identifier) @name) @definition.function
(class_body (function_declaration name: (simple_identifier) @name) @definition.method)
(enum_class_body (function_declaration name: (simple_identifier) @name) @definition.method)
(protocol_function_declaration name: (simple_identifier) @name) @definition.method
(init_declaration "init" @name) @definition.constructor
(deinit_declaration "deinit" @name) @definition.method
`,
  body: ['body'],
  comments: ['comment', 'multiline_comment'],
  lineComment: '//',
  maxWindow: 64 * 1024,
};

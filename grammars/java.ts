import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'java',
  extensions: ['.java', '.jav'],
  shebangs: ['java', 'jbang'],
  kind: 'code',
  wasm: repomix('java'),
  definitions: `
(class_declaration name: (_) @name) @definition.class
(interface_declaration name: (_) @name) @definition.interface
(enum_declaration name: (_) @name) @definition.enum
(record_declaration name: (_) @name) @definition.record
(annotation_type_declaration name: (_) @name) @definition.annotation
(method_declaration name: (_) @name) @definition.method
(constructor_declaration name: (_) @name) @definition.constructor
(compact_constructor_declaration name: (_) @name) @definition.constructor
`,
  holders: ['class_body', 'interface_body', 'enum_body', 'enum_body_declarations', 'annotation_type_body'],
  body: ['body'],
  comments: ['line_comment', 'block_comment'],
  lineComment: '//',
};

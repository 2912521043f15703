import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'dart',
  extensions: ['.dart'],
  shebangs: ['dart'],
  kind: 'code',
  wasm: repomix('dart'),
  definitions: `
(program (static_final_declaration_list (static_final_declaration . (identifier) @name) @definition.constant))
(class_definition name: (_) @name) @definition.class
(enum_declaration name: (_) @name) @definition.enum
(mixin_declaration (identifier) @name) @definition.mixin
(extension_declaration name: (_) @name) @definition.extension
(extension_type_declaration name: (_) @name) @definition.extension
(type_alias . (type_identifier) @name) @definition.type
(program (function_signature name: (_) @name) @definition.function)
(program (function_signature name: (_) @name) @definition.function . (function_body) @body)
(lambda_expression (function_signature name: (_) @name)) @definition.function
(declaration (function_signature name: (_) @name)) @definition.method
(declaration (constructor_signature name: (_) @name)) @definition.constructor
(declaration (constant_constructor_signature (identifier) @name)) @definition.constructor
(method_signature (function_signature name: (_) @name)) @definition.method
((method_signature (function_signature name: (_) @name)) @definition.method
  . (function_body) @body)
((method_signature (getter_signature name: (_) @name)) @definition.method
  . (function_body) @body)
((method_signature (setter_signature name: (_) @name)) @definition.method
  . (function_body) @body)
((method_signature (constructor_signature name: (_) @name)) @definition.constructor
  . (function_body) @body)
((method_signature (factory_constructor_signature (identifier) @name . (formal_parameter_list))) @definition.constructor
  . (function_body) @body)
`,
  body: ['body'],
  comments: ['comment', 'documentation_comment'],
  lineComment: '//',
};

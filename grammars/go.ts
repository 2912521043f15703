import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'go',
  aliases: ['golang'],
  extensions: ['.go'],
  kind: 'code',
  wasm: repomix('go'),
  definitions: `
(source_file (const_declaration (const_spec name: (identifier) @name) @definition.constant))
(source_file (var_declaration (var_spec name: (identifier) @name) @definition.variable))
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name) @definition.variable)))
(function_declaration name: (_) @name) @definition.function
(method_declaration name: (_) @name) @definition.method
(method_declaration
  receiver: (parameter_list (parameter_declaration type: [
    (type_identifier) @scope
    (pointer_type (type_identifier) @scope)
    (generic_type type: (type_identifier) @scope)
    (pointer_type (generic_type type: (type_identifier) @scope))]))
  name: (_) @name) @definition.method
(type_spec name: (_) @name) @definition.type
(type_spec name: (_) @name type: (struct_type)) @definition.struct
(type_spec name: (_) @name type: (interface_type)) @definition.interface
(type_alias name: (_) @name) @definition.type
`,
  holders: ['const_declaration', 'var_declaration', 'var_spec_list', 'type_declaration'],
  body: ['body'],
  comments: ['comment'],
  lineComment: '//',
};

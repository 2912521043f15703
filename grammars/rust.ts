import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'rust',
  aliases: ['rs'],
  extensions: ['.rs'],
  shebangs: ['rust-script', 'cargo'],
  kind: 'code',
  wasm: repomix('rust'),
  definitions: `
(mod_item name: (_) @name body: (_)) @definition.module
(struct_item name: (_) @name) @definition.struct
(enum_item name: (_) @name) @definition.enum
(union_item name: (_) @name) @definition.union
(trait_item name: (_) @name) @definition.trait
(impl_item type: (_) @name) @definition.impl
(impl_item type: (generic_type type: (_) @name)) @definition.impl
(function_item name: (_) @name) @definition.function
(function_signature_item name: (_) @name) @definition.function
(impl_item body: (declaration_list (function_item name: (_) @name) @definition.method))
(trait_item body: (declaration_list (function_item name: (_) @name) @definition.method))
(trait_item body: (declaration_list (function_signature_item name: (_) @name) @definition.method))
(macro_definition name: (_) @name) @definition.macro
(const_item name: (_) @name) @definition.constant
(static_item name: (_) @name) @definition.constant
(type_item name: (_) @name) @definition.type
`,
  holders: ['foreign_mod_item', 'declaration_list'],
  body: ['body'],
  comments: ['line_comment', 'block_comment'],
  lineComment: '//',
  apostrophes: true,
};

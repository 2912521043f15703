import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'solidity',
  aliases: ['sol'],
  extensions: ['.sol'],
  kind: 'code',
  wasm: repomix('solidity'),
  definitions: `
(contract_declaration name: (_) @name) @definition.contract
(interface_declaration name: (_) @name) @definition.interface
(library_declaration name: (_) @name) @definition.library
(struct_declaration name: (_) @name) @definition.struct
(enum_declaration name: (_) @name) @definition.enum
(event_definition name: (_) @name) @definition.event
(error_declaration name: (_) @name) @definition.error
(modifier_definition name: (_) @name) @definition.modifier
(constructor_definition "constructor" @name) @definition.constructor
(function_definition name: (_) @name) @definition.function
`,
  body: ['body'],
  comments: ['comment'],
  lineComment: '//',
};

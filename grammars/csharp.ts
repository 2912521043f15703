import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'csharp',
  aliases: ['c#', 'cs', 'c-sharp'],
  extensions: ['.cs', '.csx'],
  shebangs: ['dotnet-script'],
  kind: 'code',
  wasm: repomix('c_sharp'),
  definitions: `
(namespace_declaration name: (_) @name) @definition.namespace
(file_scoped_namespace_declaration name: (_) @name) @definition.namespace
(class_declaration name: (_) @name) @definition.class
(struct_declaration name: (_) @name) @definition.struct
(record_declaration name: (_) @name) @definition.record
(interface_declaration name: (_) @name) @definition.interface
(enum_declaration name: (_) @name) @definition.enum
(delegate_declaration name: (_) @name) @definition.delegate
(method_declaration name: (_) @name) @definition.method
(constructor_declaration name: (_) @name) @definition.constructor
(destructor_declaration name: (_) @name) @definition.method
(property_declaration name: (_) @name) @definition.property
(event_declaration name: (_) @name) @definition.event
(local_function_statement name: (_) @name) @definition.function
`,
  body: ['body', 'accessors'],
  comments: ['comment'],
  lineComment: '//',
};

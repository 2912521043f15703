import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'haskell',
  aliases: ['hs'],
  extensions: ['.hs', '.hs-boot', '.hsc'],
  shebangs: ['runhaskell', 'runghc', 'stack'],
  kind: 'code',
  wasm: cursorless('haskell'),
  definitions: `
(header module: (_) @name) @definition.module
(data_type name: (_) @name) @definition.type
(newtype name: (_) @name) @definition.type
(type_synomym name: (_) @name) @definition.type
(type_family name: (_) @name) @definition.type
(class name: (_) @name) @definition.class
(instance name: (_) @name) @definition.instance
(declarations (function name: (_) @name) @definition.function)
(declarations (bind name: (_) @name) @definition.function)
(class_declarations [(signature name: (_) @name) (function name: (_) @name) (bind name: (_) @name)] @definition.method)
(instance_declarations [(function name: (_) @name) (bind name: (_) @name)] @definition.method)
`,
  body: ['match', 'declarations', 'constructors'],
  comments: ['comment', 'haddock', 'pragma'],
  lineComment: '--',
  apostrophes: true,
};

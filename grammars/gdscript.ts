import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'gdscript',
  aliases: ['gd', 'godot'],
  extensions: ['.gd'],
  kind: 'code',
  wasm: cursorless('gdscript'),
  definitions: `
(class_name_statement (name) @name) @definition.class
(class_definition name: (_) @name) @definition.class
(enum_definition name: (_) @name) @definition.enum
(signal_statement (name) @name) @definition.signal
(const_statement name: (_) @name) @definition.constant
(constructor_definition "_init" @name) @definition.constructor
(function_definition name: (_) @name) @definition.function
(class_definition body: (_ (function_definition name: (_) @name) @definition.method))
`,
  body: ['body'],
  comments: ['comment'],
  lineComment: '#',
};

import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'php',
  extensions: ['.php', '.php3', '.php4', '.php5', '.php7', '.php8', '.phtml', '.phps'],
  shebangs: ['php'],
  kind: 'code',
  wasm: repomix('php'),
  definitions: `
(program (const_declaration (const_element (name) @name)) @definition.constant)
(namespace_definition name: (_) @name) @definition.namespace
(interface_declaration name: (_) @name) @definition.interface
(enum_declaration name: (_) @name) @definition.enum
(trait_declaration name: (_) @name) @definition.trait
(class_declaration name: (_) @name) @definition.class
(function_definition name: (_) @name) @definition.function
(method_declaration name: (_) @name) @definition.method
`,
  body: ['body'],
  comments: ['comment'],
  lineComment: '//',
  preamble: '<?php\n',
};

import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'r',
  aliases: ['rscript', 'rlang'],
  extensions: ['.r'],
  filenames: ['.Rprofile'],
  shebangs: ['rscript'],
  kind: 'code',
  wasm: cursorless('r'),
  definitions: `
(binary_operator lhs: [(identifier) (string)] @name
  operator: ["<-" "<<-" "="] rhs: (function_definition)) @definition.function
(call function: (identifier) @_word arguments: (arguments . (argument value: (string) @name))
  (#any-of? @_word "setMethod" "setGeneric" "setValidity")) @definition.method
(call function: (identifier) @_word arguments: (arguments . (argument value: (string) @name))
  (#any-of? @_word "setClass" "setRefClass" "R6Class")) @definition.class
(call function: (identifier) @_word arguments: (arguments . (argument value: (string) @name))
  (#any-of? @_word "test_that" "describe")) @definition.test
`,
  body: ['body'],
  comments: ['comment'],
  lineComment: '#',
};

import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'clojure',
  aliases: ['clj', 'cljs'],
  extensions: ['.clj', '.cljs', '.cljc', '.edn', '.cljd', '.bb'],
  shebangs: ['bb', 'clojure', 'clj'],
  kind: 'code',
  wasm: cursorless('clojure'),
  definitions: `
(list_lit . value: (sym_lit name: (sym_name) @_word) . value: (sym_lit name: (sym_name) @name)
  (#any-of? @_word "def" "defonce")) @definition.constant
(list_lit . value: (sym_lit name: (sym_name) @_word) . value: (sym_lit name: (sym_name) @name)
  (#any-of? @_word "ns" "in-ns")) @definition.namespace
(list_lit . value: (sym_lit name: (sym_name) @_word) . value: (sym_lit name: (sym_name) @name)
  (#any-of? @_word "defn" "defn-" "defmulti" "defmethod" "s/defn")) @definition.function
(list_lit . value: (sym_lit name: (sym_name) @_word) . value: (sym_lit name: (sym_name) @name)
  (#any-of? @_word "defmacro")) @definition.macro
(list_lit . value: (sym_lit name: (sym_name) @_word) . value: (sym_lit name: (sym_name) @name)
  (#any-of? @_word "defprotocol" "definterface")) @definition.interface
(list_lit . value: (sym_lit name: (sym_name) @_word) . value: (sym_lit name: (sym_name) @name)
  (#any-of? @_word "defrecord" "deftype")) @definition.class
(list_lit . value: (sym_lit name: (sym_name) @_word) . value: (sym_lit name: (sym_name) @name)
  (#any-of? @_word "deftest")) @definition.test
`,
  comments: ['comment', 'dis_expr'],
  lineComment: ';',
};

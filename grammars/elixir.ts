import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'elixir',
  aliases: ['ex', 'exs'],
  extensions: ['.ex', '.exs'],
  filenames: ['mix.lock'],
  shebangs: ['elixir', 'iex'],
  kind: 'code',
  wasm: cursorless('elixir'),
  definitions: `
(call target: (identifier) @_word (arguments . (alias) @name)
  (#any-of? @_word "defmodule" "defprotocol")) @definition.module
(call target: (identifier) @_word (arguments . (alias) @name)
  (#eq? @_word "defimpl")) @definition.impl
(call target: (identifier) @_word (arguments . [
    (identifier) @name
    (call target: (identifier) @name)
    (binary_operator left: (identifier) @name operator: "when")
    (binary_operator left: (call target: (identifier) @name) operator: "when")])
  (#any-of? @_word "def" "defp" "defdelegate" "defn" "defnp")) @definition.function
(call target: (identifier) @_word (arguments . [
    (identifier) @name
    (call target: (identifier) @name)
    (binary_operator left: (call target: (identifier) @name) operator: "when")])
  (#any-of? @_word "defmacro" "defmacrop" "defguard" "defguardp")) @definition.macro
(call target: (identifier) @_word (arguments . (string (quoted_content) @name))
  (#any-of? @_word "describe" "test")) @definition.test
`,
  body: ['do_block'],
  comments: ['comment'],
  lineComment: '#',
  blockEnds: [[/\bdo\s*$|\bfn\b.*->\s*$|^\s*(?:else|rescue|catch|after)\s*$/, 'end']],
};

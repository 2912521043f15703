import type { GrammarWasm } from './grammar.ts';

/** Packages that hold nothing but .wasm files: no install script, no dependency. */
export function repomix(name: string): GrammarWasm {
  return { package: '@repomix/tree-sitter-wasms', file: `out/tree-sitter-${name}.wasm` };
}

export function cursorless(name: string): GrammarWasm {
  return { package: '@cursorless/tree-sitter-wasms', file: `out/tree-sitter-${name}.wasm` };
}

export function vscode(name: string): GrammarWasm {
  return { package: '@vscode/tree-sitter-wasm', file: `wasm/tree-sitter-${name}.wasm` };
}

/** Brought along in this package; wasm/README.md says where each file is from. */
export function vendored(name: string): GrammarWasm {
  return { package: 'tidemark', file: `grammars/wasm/tree-sitter-${name}.wasm` };
}

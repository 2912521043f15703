/** A grammar compiled for the native binding: an npm package, of the one version that gives the trees of our `.wasm`. */
export interface NativeGrammar {
  readonly package: string;
  readonly version: string;
  /** Which of the languages that the package exports; absent where it is the only one. */
  readonly language?: string;
}

/** The binding itself. */
export const NATIVE_BINDING: NativeGrammar = { package: 'tree-sitter', version: '0.25.1' };

/**
 * By canonical name: the languages that the native binding may parse. Others are left out because their package is of
 * another version than the `.wasm`, or because most files have something that the grammar takes for an error (C and C++
 * with their macros), and where there is an error the two bindings do not recover in the same way.
 */
export const nativeGrammars: ReadonlyMap<string, NativeGrammar> = new Map([
  ['go', { package: 'tree-sitter-go', version: '0.25.0' }],
  ['java', { package: 'tree-sitter-java', version: '0.23.5' }],
  ['javascript', { package: 'tree-sitter-javascript', version: '0.25.0' }],
  ['json', { package: 'tree-sitter-json', version: '0.24.8' }],
  ['python', { package: 'tree-sitter-python', version: '0.25.0' }],
  ['rust', { package: 'tree-sitter-rust', version: '0.24.0' }],
  ['tsx', { package: 'tree-sitter-typescript', version: '0.23.2', language: 'tsx' }],
  ['typescript', { package: 'tree-sitter-typescript', version: '0.23.2', language: 'typescript' }],
  ['yaml', { package: '@tree-sitter-grammars/tree-sitter-yaml', version: '0.7.1' }],
]);

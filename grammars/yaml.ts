import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

// Two levels of keys, and only those that hold more, as in JSON.
export const grammar: Grammar = {
  name: 'yaml',
  aliases: ['yml'],
  extensions: ['.yaml', '.yml', '.eyaml', '.sublime-syntax'],
  filenames: ['.clang-format', '.clang-tidy', '.clangd', 'CITATION.cff'],
  kind: 'code',
  wasm: cursorless('yaml'),
  definitions: `
(document (block_node (block_mapping
  (block_mapping_pair key: (_) @name value: (block_node)) @definition.key)))
(document (block_node (block_mapping (block_mapping_pair value: (block_node (block_mapping
  (block_mapping_pair key: (_) @name value: (block_node)) @definition.key))))))
`,
  definitionDepth: 1,
  comments: ['comment'],
  lineComment: '#',
};

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
  tooDeep,
};

/** The scanner writes four bytes a level into a buffer of 1,024, and beyond it. */
const MAX_LEVELS = 200;

/** Levels are told by the indentation of lines, and by the dashes of sequences in sequences. */
function tooDeep(text: string): boolean {
  const open: number[] = [];
  for (const [line, indent = '', dashes = ''] of text.matchAll(/^([ \t]*)((?:[-?:][ \t]+)*).*/gm)) {
    if (line.trim() === '') continue;
    while (open.length > 0 && open.at(-1)! >= indent.length) open.pop();
    open.push(indent.length);
    if (open.length + dashes.replace(/[ \t]/g, '').length > MAX_LEVELS) return true;
    // What follows a dash stands as far in as it does there.
    for (let at = 0; at < dashes.length; at++) {
      if (dashes[at] !== ' ' && dashes[at] !== '\t') open.push(indent.length + at + 1);
    }
  }
  return false;
}

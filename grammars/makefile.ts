import type { Grammar } from './grammar.ts';
import { vendored } from './packages.ts';

export const grammar: Grammar = {
  name: 'makefile',
  aliases: ['make', 'mk'],
  extensions: ['.mk', '.mak', '.make'],
  filenames: ['Makefile', 'makefile', 'GNUmakefile', 'BSDmakefile', 'Kbuild'],
  shebangs: ['make'],
  kind: 'code',
  wasm: vendored('make'),
  definitions: `
(define_directive name: (_) @name) @definition.macro
(rule (targets) @name (#match? @name "^.{1,200}$") (#not-match? @name "^[.][A-Z_]+$")) @definition.target
`,
  body: ['recipe'],
  comments: ['comment'],
  lineComment: '#',
};

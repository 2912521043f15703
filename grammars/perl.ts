import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'perl',
  aliases: ['pl'],
  extensions: ['.pl', '.pm', '.psgi', '.pod', '.perl'],
  filenames: ['cpanfile'],
  shebangs: ['perl'],
  kind: 'code',
  wasm: cursorless('perl'),
  definitions: `
(package_statement (package_name) @name) @definition.package
(function_definition name: (_) @name) @definition.function
`,
  body: ['body'],
  comments: ['comments', 'pod_statement'],
  lineComment: '#',
};

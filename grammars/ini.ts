import type { Grammar } from './grammar.ts';
import { vscode } from './packages.ts';

export const grammar: Grammar = {
  name: 'ini',
  aliases: ['cfg', 'editorconfig', 'systemd'],
  extensions: [
    '.ini',
    '.cfg',
    '.inf',
    '.service',
    '.timer',
    '.socket',
    '.mount',
    '.target',
    '.desktop',
    '.editorconfig',
    '.url',
    '.wrap',
  ],
  filenames: ['.gitconfig', '.gitmodules', '.npmrc', '.flake8', '.pylintrc', '.coveragerc'],
  kind: 'code',
  wasm: vscode('ini'),
  definitions: `
(section (section_name (text) @name)) @definition.section
`,
  comments: ['comment'],
  lineComment: ';',
};

import type { Grammar } from './grammar.ts';
import { vscode } from './packages.ts';

export const grammar: Grammar = {
  name: 'powershell',
  aliases: ['ps1', 'pwsh'],
  extensions: ['.ps1', '.psm1', '.psd1'],
  shebangs: ['pwsh', 'powershell'],
  kind: 'code',
  wasm: vscode('powershell'),
  definitions: `
(function_statement (function_name) @name) @definition.function
(class_statement . (simple_name) @name) @definition.class
(enum_statement . (simple_name) @name) @definition.enum
(class_method_definition (simple_name) @name) @definition.method
`,
  body: ['script_block'],
  comments: ['comment'],
  lineComment: '#',
};

import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'bash',
  aliases: ['sh', 'shell', 'zsh', 'ksh'],
  extensions: ['.sh', '.bash', '.zsh', '.ksh', '.bats', '.ebuild', '.command'],
  filenames: [
    '.bashrc',
    '.bash_profile',
    '.bash_aliases',
    '.bash_logout',
    '.profile',
    '.zshrc',
    '.zshenv',
    '.zprofile',
    '.envrc',
    'PKGBUILD',
    'APKBUILD',
    'configure',
  ],
  shebangs: ['sh', 'bash', 'zsh', 'ksh', 'dash', 'ash', 'busybox', 'bats'],
  kind: 'code',
  wasm: cursorless('bash'),
  definitions: `
(function_definition name: (_) @name) @definition.function
`,
  body: ['body'],
  comments: ['comment'],
  lineComment: '#',
  blockEnds: [
    [/^\s*case\b.*\bin\s*$/, 'esac'],
    [/\b(?:then|else)\s*$|^\s*(?:if|elif)\b/, 'fi'],
    [/\bdo\s*$|^\s*(?:for|while|until|select)\b/, 'done'],
  ],
};

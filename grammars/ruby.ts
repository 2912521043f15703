import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'ruby',
  aliases: ['rb'],
  extensions: [
    '.rb',
    '.rake',
    '.gemspec',
    '.ru',
    '.podspec',
    '.thor',
    '.rbi',
    '.rbs',
    '.jbuilder',
    '.builder',
  ],
  filenames: [
    'Rakefile',
    'Gemfile',
    'Guardfile',
    'Podfile',
    'Vagrantfile',
    'Capfile',
    'Fastfile',
    'Brewfile',
    'Dangerfile',
    'Appraisals',
  ],
  shebangs: ['ruby', 'jruby', 'rake'],
  kind: 'code',
  wasm: repomix('ruby'),
  definitions: `
(program (assignment left: (constant) @name) @definition.constant)
(body_statement (assignment left: (constant) @name) @definition.constant)
(module name: (_) @name) @definition.module
(class name: (_) @name) @definition.class
(method name: (_) @name) @definition.method
(singleton_method name: (_) @name) @definition.method
`,
  body: ['body'],
  comments: ['comment'],
  lineComment: '#',
  blockEnds: [
    [
      /^\s*(?:class|module|def|if|unless|case|while|until|for|begin|else|elsif|when|in|rescue|ensure)\b/,
      'end',
    ],
    [/\bdo(?:\s*\|[^|]*\|)?\s*$/, 'end'],
  ],
};

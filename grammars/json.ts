import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

// Two levels of keys, and only those that hold more: a symbol for each scalar of a data file would be noise.
export const grammar: Grammar = {
  name: 'json',
  aliases: ['jsonc', 'json5'],
  extensions: [
    '.json',
    '.jsonc',
    '.json5',
    '.geojson',
    '.webmanifest',
    '.jsonld',
    '.topojson',
    '.avsc',
    '.ipynb',
    '.har',
    '.code-workspace',
    '.map',
  ],
  filenames: [
    '.babelrc',
    '.eslintrc',
    '.prettierrc',
    '.jshintrc',
    '.swcrc',
    'composer.lock',
    'Pipfile.lock',
    'flake.lock',
    '.watchmanconfig',
  ],
  kind: 'code',
  wasm: cursorless('json'),
  definitions: `
(document (object (pair key: (_) @name value: [(object) (array)]) @definition.key))
(document (object (pair value: (object
  (pair key: (_) @name value: [(object) (array)]) @definition.key))))
`,
  definitionDepth: 0,
  comments: ['comment'],
  lineComment: '//',
};

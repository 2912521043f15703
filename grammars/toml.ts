import type { Grammar } from './grammar.ts';
import { vendored } from './packages.ts';

export const grammar: Grammar = {
  name: 'toml',
  extensions: ['.toml'],
  filenames: ['Cargo.lock', 'poetry.lock', 'uv.lock', 'Pipfile', 'Gopkg.lock', 'pdm.lock'],
  kind: 'code',
  wasm: vendored('toml'),
  definitions: `
(document (pair . (_) @name) @definition.key)
(table . (_) @name) @definition.table
(table_array_element . (_) @name) @definition.table
`,
  comments: ['comment'],
  lineComment: '#',
};

import { ecmascriptBody } from './ecmascript.ts';
import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';
import { typescriptDefinitions } from './typescript-definitions.ts';

export const grammar: Grammar = {
  name: 'tsx',
  aliases: ['typescriptreact'],
  extensions: ['.tsx'],
  kind: 'code',
  wasm: repomix('tsx'),
  definitions: typescriptDefinitions,
  body: ecmascriptBody,
  comments: ['comment', 'html_comment'],
  lineComment: '//',
};

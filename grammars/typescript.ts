import { ecmascriptBody } from './ecmascript.ts';
import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';
import { typescriptDefinitions } from './typescript-definitions.ts';

export const grammar: Grammar = {
  name: 'typescript',
  aliases: ['ts'],
  extensions: ['.ts', '.mts', '.cts', '.d.ts'],
  shebangs: ['ts-node', 'tsx', 'deno'],
  kind: 'code',
  wasm: repomix('typescript'),
  definitions: typescriptDefinitions,
  body: ecmascriptBody,
  comments: ['comment', 'html_comment'],
  lineComment: '//',
};

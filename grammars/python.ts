import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'python',
  aliases: ['py', 'starlark'],
  extensions: ['.py', '.pyi', '.pyw', '.pyx', '.pxd', '.bzl', '.bazel', '.star'],
  filenames: ['SConstruct', 'SConscript', 'BUILD', 'WORKSPACE', 'wscript', 'Tiltfile'],
  shebangs: ['python', 'pypy', 'uv'],
  kind: 'code',
  wasm: repomix('python'),
  definitions: `
(module (expression_statement (assignment left: (identifier) @name)) @definition.constant
  (#match? @name "^_*[A-Z][A-Z0-9_]*$"))
(class_definition name: (_) @name) @definition.class
(function_definition name: (_) @name) @definition.function
(class_definition body: (block (function_definition name: (_) @name) @definition.method))
(class_definition body: (block
  (decorated_definition definition: (function_definition name: (_) @name) @definition.method)))
(type_alias_statement left: (type) @name) @definition.type
`,
  holders: [
    'if_statement',
    'elif_clause',
    'else_clause',
    'try_statement',
    'except_clause',
    'finally_clause',
    'with_statement',
    'decorated_definition',
    'block',
  ],
  body: ['body'],
  comments: ['comment'],
  lineComment: '#',
};

import { cDefinitions } from './c-definitions.ts';
import type { Grammar } from './grammar.ts';
import { repomix } from './packages.ts';

export const grammar: Grammar = {
  name: 'cpp',
  aliases: ['c++', 'cxx', 'cc', 'cuda', 'arduino'],
  extensions: [
    ...['.cc', '.cpp', '.cxx', '.c++', '.cppm', '.ixx', '.ino', '.cu', '.cuh', '.metal'],
    ...['.hh', '.hpp', '.hxx', '.h++', '.ipp', '.inl', '.tpp', '.txx'],
  ],
  kind: 'code',
  wasm: repomix('cpp'),
  definitions: `${cDefinitions}
(function_definition declarator: (reference_declarator
  (function_declarator declarator: (_) @name))) @definition.function
(function_definition declarator: (function_declarator declarator: (qualified_identifier
  scope: (_) @scope name: (_) @name))) @definition.method
(function_definition declarator: (pointer_declarator declarator: (function_declarator
  declarator: (qualified_identifier scope: (_) @scope name: (_) @name)))) @definition.method
(function_definition declarator: (reference_declarator (function_declarator
  declarator: (qualified_identifier scope: (_) @scope name: (_) @name)))) @definition.method
(field_declaration_list (function_definition
  declarator: (function_declarator declarator: (_) @name)) @definition.method)
(field_declaration_list (function_definition
  declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))) @definition.method)
(field_declaration_list (function_definition
  declarator: (reference_declarator (function_declarator declarator: (_) @name))) @definition.method)
(field_declaration_list (template_declaration (function_definition
  declarator: (function_declarator declarator: (_) @name)) @definition.method))
(function_definition declarator: (operator_cast) @name) @definition.method
(class_specifier name: (_) @name body: (_)) @definition.class
(namespace_definition name: (_) @name) @definition.namespace
(alias_declaration name: (_) @name) @definition.type
(concept_definition name: (_) @name) @definition.concept
`,
  holders: [
    'compound_statement',
    'linkage_specification',
    'declaration_list',
    'type_definition',
    'struct_specifier',
    'union_specifier',
    'field_declaration_list',
    'field_declaration',
    'preproc_if',
    'preproc_ifdef',
    'preproc_else',
    'preproc_elif',
    'preproc_elifdef',
    'class_specifier',
    'namespace_definition',
    'template_declaration',
    'friend_declaration',
  ],
  body: ['body'],
  comments: ['comment'],
  lineComment: '//',
};

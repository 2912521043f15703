/**
 * The definitions that JavaScript, TypeScript and TSX share. Constants come first: where one holds a function
 * or a class, the later pattern says so.
 */
export const ecmascriptDefinitions = `
(program (lexical_declaration "const" (variable_declarator name: (identifier) @name)) @definition.constant)
(program (export_statement declaration: (lexical_declaration "const"
  (variable_declarator name: (identifier) @name)) @definition.constant))
(function_declaration name: (_) @name) @definition.function
(generator_function_declaration name: (_) @name) @definition.function
(class_declaration name: (_) @name) @definition.class
(method_definition name: (_) @name) @definition.method
(lexical_declaration (variable_declarator name: (identifier) @name
  value: [(arrow_function) (function_expression) (generator_function)])) @definition.function
(variable_declaration (variable_declarator name: (identifier) @name
  value: [(arrow_function) (function_expression) (generator_function)])) @definition.function
(lexical_declaration (variable_declarator name: (identifier) @name value: (class))) @definition.class
(pair key: (_) @name value: [(arrow_function) (function_expression) (generator_function)]) @definition.method
(expression_statement (assignment_expression
  left: (identifier) @name
  right: [(arrow_function) (function_expression) (generator_function)])) @definition.function
(expression_statement (assignment_expression
  left: (member_expression object: (_) @scope property: (_) @name)
  right: [(arrow_function) (function_expression) (generator_function)])) @definition.function
(expression_statement (assignment_expression
  left: (member_expression object: (_) @scope property: (_) @name)
  right: (class))) @definition.class
(export_statement "default" @name
  value: [(arrow_function) (function_expression) (generator_function)]) @definition.function
(export_statement "default" @name value: (class)) @definition.class
`;

export const ecmascriptBody = ['body'];

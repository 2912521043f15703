/** An input made to hurt a parser, too large to be kept as a file: `make` builds it from a size. */
export interface HostileInput {
  readonly name: string;
  readonly path: string;
  /** Sizes (repetitions) at which it hurts most; the fuzz draws others between them. */
  readonly sizes: readonly [number, number];
  readonly make: (n: number) => string;
}

const repeated = (part: string) => (n: number) => part.repeat(n);
const nested =
  (open: string, close: string, inside = '') =>
  (n: number) =>
    open.repeat(n) + inside + close.repeat(n);
const numbered =
  (part: (i: number) => string, head = '', tail = '') =>
  (n: number) =>
    head + Array.from({ length: n }, (_, i) => part(i)).join('') + tail;

/** Each level on a line of its own, indented by its depth; quadratic in bytes. */
const stairs = (part: (i: number) => string) => (n: number) =>
  Array.from({ length: n }, (_, i) => `${' '.repeat(i)}${part(i)}\n`).join('');

const input = (
  name: string,
  path: string,
  sizes: readonly [number, number],
  make: (n: number) => string,
): HostileInput => ({ name, path, sizes, make });

/** Languages in which a million of each bracket opens and nothing closes. */
const BRACKET_PATHS = ['a.json', 'a.js', 'a.ts', 'a.c', 'a.cpp', 'a.py', 'a.rs', 'a.go', 'a.java', 'a.hs'];

export const hostileInputs: readonly HostileInput[] = [
  ...BRACKET_PATHS.flatMap((path) => [
    input('open brackets', path, [1e3, 1e6], repeated('[')),
    input('open braces', path, [1e3, 1e6], repeated('{')),
    input('open parentheses', path, [1e3, 1e6], repeated('(')),
    input('closed brackets', path, [1e3, 5e5], nested('[', ']')),
    input('closed parentheses', path, [1e3, 5e5], nested('(', ')', 'x')),
    input('closing braces', path, [1e3, 1e6], repeated('}')),
  ]),
  input('comments that do not close', 'a.js', [1e3, 1e6], repeated('/*')),
  input('comments that do not close', 'a.css', [1e3, 1e6], repeated('/*')),
  input('line comments', 'a.c', [1e3, 1e6], repeated('//')),
  input('quotes', 'a.js', [1e3, 1e6], repeated(`'"`)),
  input('headings', 'a.adoc', [1e3, 5e5], repeated('= a\n')),
  input('headings', 'a.org', [1e3, 5e5], repeated('* a\n')),
  input('headings', 'a.rst', [1e3, 3e5], repeated('a\n---\n')),
  input(
    'titles of many styles',
    'a.rst',
    [1e3, 1e5],
    numbered((i) => `t${i}\n${'=-~^"'[i % 5]!.repeat(6)}\n`),
  ),
  input('nested objects', 'a.json', [1e3, 2e5], nested('{"a":', '}', '1')),
  input(
    'one array',
    'a.json',
    [1e3, 5e5],
    numbered((i) => `${i},`, '[', '0]'),
  ),
  input('quotes of quotes', 'a.md', [100, 1e5], repeated('> ')),
  input(
    'a list in a list',
    'a.md',
    [50, 1000],
    stairs((i) => `- item ${i}`),
  ),
  input('markers on one line', 'a.md', [100, 1e5], repeated('- ')),
  input('links that do not close', 'a.md', [100, 1e5], repeated('[a](')),
  input('emphasis', 'a.md', [100, 1e5], repeated('*a **b ')),
  input(
    'fences that do not close',
    'a.md',
    [100, 5e4],
    numbered((i) => `${'`'.repeat(3 + (i % 9))}js\nx\n`),
  ),
  input(
    'a table',
    'a.md',
    [100, 1e5],
    numbered((i) => `| ${i} | b |\n`, '| a | b |\n|---|---|\n'),
  ),
  input(
    'headings',
    'a.md',
    [100, 5e4],
    numbered((i) => `${'#'.repeat(1 + (i % 6))} Title ${i}\n\ntext\n\n`),
  ),
  input(
    'keys in keys',
    'a.yaml',
    [50, 1500],
    stairs((i) => `k${i}:`),
  ),
  input('sequences on one line', 'a.yaml', [100, 1e5], repeated('- ')),
  input('flow sequences', 'a.yaml', [100, 1e5], repeated('[')),
  input('flow mappings', 'a.yaml', [100, 1e5], nested('{a: ', '}', '1')),
  input(
    'anchors',
    'a.yaml',
    [100, 1e5],
    numbered((i) => `a${i}: &x${i} [*x${Math.max(0, i - 1)}]\n`),
  ),
  input(
    'block scalars',
    'a.yaml',
    [50, 1000],
    stairs((i) => `k${i}: |`),
  ),
  input('elements that do not close', 'a.html', [100, 1e5], repeated('<div>')),
  input(
    'elements of many names',
    'a.html',
    [100, 5e4],
    numbered((i) => `<x${i} a="b">`),
  ),
  input('closed elements', 'a.html', [100, 1e5], nested('<b>', '</b>', 'x')),
  input('closing tags', 'a.html', [100, 1e5], repeated('</p>')),
  input('scripts that do not close', 'a.html', [100, 5e4], repeated('<script>a<b ')),
  input(
    'attributes',
    'a.html',
    [100, 1e5],
    numbered((i) => ` a${i}="${i}"`, '<p', '>'),
  ),
  input('elements that do not close', 'a.vue', [100, 5e4], repeated('<template><div>')),
  input(
    'elements that do not close',
    'a.xml',
    [100, 1e5],
    numbered((i) => `<x${i % 7}>`),
  ),
  input(
    'entities',
    'a.xml',
    [100, 1e5],
    numbered((i) => `<!ENTITY e${i} "&e${i - 1};">`, '<!DOCTYPE a [', ']>'),
  ),
  input(
    'heredocs',
    'a.sh',
    [100, 5e4],
    numbered((i) => `cat <<E${i}\n$(x)\n`),
  ),
  input(
    'heredocs on one line',
    'a.sh',
    [100, 5e4],
    numbered((i) => ` <<E${i}`, 'cat'),
  ),
  input('commands in commands', 'a.sh', [100, 5e4], nested('$(a ', ')')),
  input('expansions', 'a.sh', [100, 5e4], nested('${a:-', '}')),
  input(
    'heredocs',
    'a.rb',
    [100, 5e4],
    numbered((i) => `x = <<~E${i}\n#{y}\n`),
  ),
  input(
    'heredocs on one line',
    'a.rb',
    [100, 5e4],
    numbered((i) => ` + <<E${i}`, 'x = ""'),
  ),
  input('interpolations', 'a.rb', [100, 5e4], nested('"#{', '}"')),
  input('percent literals', 'a.rb', [100, 5e4], repeated('%w(')),
  input(
    'heredocs',
    'a.pl',
    [100, 5e4],
    numbered((i) => `print <<E${i};\n$x\n`),
  ),
  input('quotes', 'a.pl', [100, 5e4], repeated('q{ s/a/{ ')),
  input(
    'heredocs',
    'a.php',
    [100, 5e4],
    numbered((i) => `$x = <<<E${i}\n{$y}\n`, '<?php\n'),
  ),
  input('in and out', 'a.php', [100, 5e4], repeated('<?php if ($a): ?> a ')),
  input('templates in templates', 'a.js', [100, 5e4], nested('`${', '}`')),
  input('functions in functions', 'a.js', [100, 5e4], nested('function f(){', '}')),
  input('arrows', 'a.ts', [100, 5e4], repeated('(a=>')),
  input('type arguments', 'a.ts', [100, 5e4], nested('A<', '>')),
  input('conditional types', 'a.ts', [100, 2e4], repeated('A extends B ? ')),
  input('a chain of calls', 'a.js', [100, 1e5], repeated('.then(x)')),
  input('a sum', 'a.js', [100, 2e5], repeated('a+')),
  input('else if', 'a.c', [100, 5e4], repeated('if (a) b; else ')),
  input('conditions', 'a.c', [100, 5e4], repeated('#if A\nint f(int a) {\n')),
  input('casts', 'a.c', [100, 1e5], repeated('(a)')),
  input('pointers', 'a.c', [100, 1e5], repeated('*')),
  input('template arguments', 'a.cpp', [100, 5e4], nested('a<', '>')),
  input(
    'raw strings',
    'a.cpp',
    [100, 5e4],
    numbered((i) => `R"d${i}(`),
  ),
  input('namespaces', 'a.cpp', [100, 5e4], nested('namespace a {\n', '}\n')),
  input(
    'raw strings',
    'a.rs',
    [100, 2000],
    numbered((i) => `r${'#'.repeat(i % 300)}"`),
  ),
  input('comments in comments', 'a.rs', [100, 1e5], repeated('/*')),
  input('type arguments', 'a.rs', [100, 5e4], nested('Vec<', '>', 'u8')),
  input(
    'blocks by indentation',
    'a.py',
    [50, 1000],
    stairs((i) => `if a${i}:`),
  ),
  input('interpolations', 'a.py', [100, 5e4], nested('f"{', '}"')),
  input(
    'strings that do not close',
    'a.py',
    [100, 1e5],
    numbered((i) => `x${i} = """\n`),
  ),
  input('continued lines', 'a.py', [100, 1e5], repeated('\\\n')),
  input('comparisons', 'a.py', [100, 1e5], repeated('a<')),
  input(
    'do in do',
    'a.hs',
    [50, 1000],
    stairs((i) => `f${i} = do`),
  ),
  input('where in where', 'a.hs', [100, 5e4], repeated('where a = ')),
  input(
    'braces',
    'a.scala',
    [100, 2e4],
    numbered((i) => `!function(){var e${i}=1,t=e${i}?{a:[1]}:2}();`),
  ),
  input(
    'blocks by indentation',
    'a.scala',
    [50, 1000],
    stairs((i) => `object A${i}:`),
  ),
  input('interpolations', 'a.kt', [100, 5e4], nested('"${', '}"')),
  input('lambdas', 'a.kt', [100, 5e4], repeated('{ a -> ')),
  input('interpolations', 'a.swift', [100, 5e4], nested('"\\(', ')"')),
  input(
    'raw strings',
    'a.swift',
    [100, 2000],
    numbered((i) => `${'#'.repeat(i % 200)}"`),
  ),
  input(
    'long brackets',
    'a.lua',
    [100, 2000],
    numbered((i) => `[${'='.repeat(i % 300)}[`),
  ),
  input('functions in functions', 'a.lua', [100, 5e4], nested('function() ', ' end')),
  input('do in do', 'a.ex', [100, 5e4], repeated('def a do\n')),
  input('sigils', 'a.ex', [100, 5e4], repeated('~s(')),
  input('let in let', 'a.nix', [100, 5e4], repeated('let a = ')),
  input('strings in strings', 'a.nix', [100, 5e4], nested("''${", "}''")),
  input('strings in strings', 'a.tf', [100, 5e4], nested('"${', '}"')),
  input(
    'environments',
    'a.tex',
    [100, 5e4],
    numbered((i) => `\\begin{a${i % 9}}`),
  ),
  input('sections', 'a.tex', [100, 5e4], repeated('\\section{a}\\subsection{b}\n')),
  input('lists', 'a.clj', [100, 2e5], repeated("'(")),
  input('generics', 'a.cs', [100, 5e4], nested('A<', '>')),
  input('interpolations', 'a.cs', [100, 5e4], nested('$"{', '}"')),
  input('regions', 'a.cs', [100, 5e4], repeated('#if A\n#region b\n')),
  input('lambdas', 'a.java', [100, 5e4], repeated('a -> ')),
  input('annotations', 'a.java', [100, 5e4], repeated('@A(')),
  input('rules in rules', 'a.scss', [100, 5e4], nested('a { ', '}')),
  input('rules that do not close', 'a.css', [100, 5e4], repeated('@media a { b:c ')),
  input('functions', 'a.mk', [100, 5e4], nested('$(call a,', ')')),
  input('conditions', 'a.mk', [100, 5e4], repeated('ifdef A\n')),
  input('here strings', 'a.ps1', [100, 5e4], repeated('@"\n$(')),
  input(
    'tables',
    'a.toml',
    [100, 5e4],
    numbered((i) => `[a.b${i}]\nc = [\n`),
  ),
  input('strings', 'a.zig', [100, 5e4], repeated('\\\\a\n')),
  input('expressions', 'a.r', [100, 5e4], repeated('function(a) ')),
  input(
    'let in let',
    'a.elm',
    [50, 1000],
    stairs((i) => `let a${i} =`),
  ),
  input(
    'blocks by indentation',
    'a.gd',
    [50, 1000],
    stairs((i) => `if a${i}:`),
  ),
];

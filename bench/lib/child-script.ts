import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

/**
 * Compiles `bench/lib/NAME.ts` into `dir` and returns the path of the script. A process that is measured runs plain
 * JavaScript: a loader would take memory and time of its own, in each of its threads. Its imports of tidemark's own
 * modules must be of types only; what it runs of tidemark is told to it.
 */
export function compileChild(name: string, dir: string): string {
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  const source = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const flags = [
    '--target',
    'es2023',
    '--module',
    'nodenext',
    '--types',
    'node',
    '--noCheck',
    '--isolatedModules',
  ];
  const root = fileURLToPath(new URL('../../', import.meta.url));
  execFileSync(
    process.execPath,
    [
      compiler,
      ...flags,
      '--ignoreConfig',
      '--noResolve',
      '--rootDir',
      dirname(source),
      '--outDir',
      dir,
      source,
    ],
    { cwd: root, stdio: 'inherit' },
  );
  return join(dir, `${name}.js`);
}

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
export const TSC = join(REPOSITORY, 'node_modules/typescript/bin/tsc');

const CONTENT = ['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md', 'grammars/wasm', 'src', 'test'];

/**
 * The folder of the built package: the repository's own within `npm test`, which has just built it. A test that runs
 * alone has it built into `directory`, not into the dist/ that something else may be running; what it depends on is a
 * link to what is installed here.
 */
export function builtPackage(directory: string): string {
  if (process.env.TIDEMARK_TEST_BUILT !== undefined) return REPOSITORY;
  mkdirSync(directory, { recursive: true });
  const script = join(REPOSITORY, 'scripts/build.mjs');
  execFileSync(process.execPath, [script, join(directory, 'dist')], { stdio: 'pipe' });
  for (const name of CONTENT) {
    if (existsSync(join(REPOSITORY, name)))
      cpSync(join(REPOSITORY, name), join(directory, name), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}

/** The entry point of its command line. */
export function builtMain(directory: string): string {
  return join(builtPackage(directory), 'dist/src/cli/main.js');
}

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
export const TSC = join(REPOSITORY, 'node_modules/typescript/bin/tsc');

/**
 * Builds the package into `directory`, beside the sources and not in their dist/, which other tests may be running. What
 * it depends on is a link to what is installed here.
 */
export function buildPackage(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const project = join(REPOSITORY, 'tsconfig.build.json');
  execFileSync(process.execPath, [TSC, '-p', project, '--outDir', join(directory, 'dist')], {
    cwd: REPOSITORY,
    stdio: 'pipe',
  });
  for (const name of [
    'package.json',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'grammars/wasm',
    'src',
    'test',
  ]) {
    if (existsSync(join(REPOSITORY, name)))
      cpSync(join(REPOSITORY, name), join(directory, name), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(directory, 'node_modules'));
}

/** The entry point of the command line in a package built so. */
export function builtMain(directory: string): string {
  return join(directory, 'dist/src/cli/main.js');
}

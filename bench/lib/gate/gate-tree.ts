import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODULES = fileURLToPath(new URL('../../../node_modules/', import.meta.url));
/** Packages that are installed with tidemark, from which so many files are taken. */
const PACKAGES = [
  'apache-arrow',
  'lodash',
  '@types',
  'commander',
  'web-tree-sitter',
  'undici',
  'onnxruntime-common',
  '@lancedb/lancedb',
];
const EXTENSIONS = new Set(['.ts', '.js', '.md', '.json']);
const MAX_BYTES = 200_000;

/** Copies the first `count` source files of the packages that tests have at hand; returns how many bytes they hold. */
export function makeGateTree(into: string, count: number): number {
  let [files, bytes] = [0, 0];
  for (const path of PACKAGES.flatMap((name) => sourceFiles(join(MODULES, name)))) {
    // The rules below are a file too.
    if (files === count - 1) break;
    const target = join(into, relative(MODULES, path));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(path, target);
    files++;
    bytes += statSync(path).size;
  }
  // Packages have ignore rules of their own.
  writeFileSync(join(into, '.tidemarkignore'), '!*\n');
  if (files < count - 1) throw new Error(`there are ${files} files only`);
  return bytes;
}

/** The source files of a folder and those below it, in order. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => EXTENSIONS.has(extname(path)) && statSync(path).size <= MAX_BYTES);
}

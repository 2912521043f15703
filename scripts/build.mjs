/**
 * Fills dist/, or the folder that is given: types by tsc, and the modules by esbuild in a few files, as node needs a
 * millisecond and more to load each. What is not bundled are the dependencies.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** The library, the command, and what runs in processes and threads of its own. */
const ENTRIES = [
  'index',
  'cli/main',
  'chunk/worker',
  'chunk/native/child',
  'embed/child',
  'embed/encoder-worker',
];
/** The benchmarks take these by themselves. */
const MEASURED = [
  'chunk/chunk-source',
  'chunk/parser-pool',
  'embed/embedder',
  'memory/budget',
  'pipeline/file-job',
  'store/batch',
  'store/chunk-writer',
  'store/lance',
  'store/open',
  'walk/walk',
];

const dist = resolve(process.argv[2] ?? join(ROOT, 'dist'));
// A renamed module would otherwise live on there and in the package.
rmSync(dist, { recursive: true, force: true });
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', dist], {
  cwd: ROOT,
  stdio: 'inherit',
});
await build({
  absWorkingDir: ROOT,
  entryPoints: [...ENTRIES, ...MEASURED].map((name) => `src/${name}.ts`),
  outbase: '.',
  outdir: dist,
  // `entryPoint` takes it that these lie one folder below src, as the module it is in.
  chunkNames: 'src/shared/[name]-[hash]',
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20.18',
  logLevel: 'warning',
});

/**
 * Fills dist/, or the folder that is given: types by tsc, and the modules by esbuild in a few files, as node needs a
 * millisecond and more to load each. Of the dependencies only the JavaScript of Lance, Arrow and what they load is bundled.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
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
/** Some 200 modules: as one file they take a third less of the time to load, and 7 MB less. */
const LANCE = 'store/lance-packages.cjs';
const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node20.18',
  logLevel: 'warning',
};

const dist = resolve(process.argv[2] ?? join(ROOT, 'dist'));
// A renamed module would otherwise live on there and in the package.
rmSync(dist, { recursive: true, force: true });
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', dist], {
  cwd: ROOT,
  stdio: 'inherit',
});
await build({
  entryPoints: [...ENTRIES, ...MEASURED].map((name) => `src/${name}.ts`),
  outbase: '.',
  outdir: dist,
  // `entryPoint` takes it that these lie one folder below src, as the module it is in.
  chunkNames: 'src/shared/[name]-[hash]',
  splitting: true,
  packages: 'external',
  format: 'esm',
  ...COMMON,
});

/** Lance's native library is found as Lance finds it, and has to be of the version that its JavaScript is of. */
const nativeLibrary = {
  name: 'native library',
  setup({ onResolve, onLoad }) {
    const lance = realpathSync(join(ROOT, 'node_modules/@lancedb/lancedb'));
    const { version } = JSON.parse(readFileSync(join(lance, 'package.json'), 'utf8'));
    onResolve({ filter: /\/native(\.js)?$/ }, ({ importer }) =>
      importer.startsWith(lance + sep) ? { path: 'native.js', namespace: 'native' } : null,
    );
    onLoad({ filter: /.*/, namespace: 'native' }, () => ({
      contents: `
        const { readFileSync } = require('node:fs');
        const { dirname, join } = require('node:path');
        const folder = dirname(require('node:module').createRequire(__filename).resolve('@lancedb/lancedb'));
        const { version } = JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8'));
        if (version !== '${version}')
          throw new Error('@lancedb/lancedb is ' + version + ' and must be ${version}: install tidemark again, without an override');
        module.exports = require(join(folder, 'native.js'));`,
    }));
  },
};
const notice = readFileSync(join(ROOT, 'node_modules/apache-arrow/NOTICE.txt'), 'utf8');
await build({
  entryPoints: [`src/${LANCE}`],
  outfile: join(dist, `src/${LANCE}`),
  plugins: [nativeLibrary],
  // Lance can ask it for vectors, which is not done here.
  external: ['openai'],
  // Its licence asks that its notice goes with it; the licences lie in node_modules.
  banner: {
    js: `/*
This file holds @lancedb/lancedb, apache-arrow and what they load.

${notice}*/`,
  },
  legalComments: 'inline',
  format: 'cjs',
  ...COMMON,
});

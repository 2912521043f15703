import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { builtPackage, REPOSITORY, TSC } from '../support/built-package.ts';
import { sharedCache } from '../support/model-dirs.ts';
import { writeSearchTree } from '../support/search-tree.ts';

interface Packed {
  filename: string;
  unpackedSize: number;
  files: { path: string; size: number; mode: number }[];
}

const base = mkdtempSync(join(tmpdir(), 'tidemark-package-'));
const consumer = join(base, 'consumer');
// What npm sets for the scripts that it runs would lead the npm below astray.
const { TIDEMARK_TEST_CERTIFICATES: certificates } = process.env;
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))),
  ...(certificates === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificates }),
  ONNXRUNTIME_NODE_INSTALL: 'skip',
  TIDEMARK_CACHE: sharedCache,
};
let packed: Packed;

function run(command: string, args: readonly string[], cwd = consumer): string {
  try {
    return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`);
  }
}

/**
 * What is installed here, as links: npm keeps of it what the package needs, in the place and the version that it works
 * out, removes all else and need not unpack 860 MB. On another file system it does.
 */
function linkInstalled(): void {
  const modules = join(consumer, 'node_modules');
  try {
    run('cp', ['-al', join(REPOSITORY, 'node_modules'), modules]);
    for (const own of ['.cache', '.package-lock.json'])
      rmSync(join(modules, own), { recursive: true, force: true });
  } catch {
    rmSync(modules, { recursive: true, force: true });
  }
}

before(() => {
  const built = builtPackage(join(base, 'built'));
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', base];
  [packed] = JSON.parse(run('npm', pack, built)) as [Packed];
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  linkInstalled();
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', join(base, packed.filename)];
  run('npm', install);
  writeSearchTree(join(consumer, 'tree'));
});
after(() => rmSync(base, { recursive: true, force: true }));

test('the tarball holds what is needed and nothing else', () => {
  const paths = packed.files.map(({ path }) => path);
  const needed = ['package.json', 'LICENSE', 'README.md', 'dist/src/index.js', 'dist/src/index.d.ts'];
  for (const path of [
    ...needed,
    'dist/src/cli/main.js',
    'dist/src/chunk/worker.js',
    'dist/src/embed/child.js',
  ]) {
    assert.ok(paths.includes(path), path);
  }
  assert.ok(paths.some((path) => /^grammars\/wasm\/.+\.wasm$/.test(path)));
  const allowed =
    /^(package\.json|[A-Z]+(\.md)?|grammars\/wasm\/[\w.-]+|dist\/(src|grammars)\/.+\.(c?js|d\.ts))$/;
  assert.deepEqual(
    paths.filter((path) => !allowed.test(path)),
    [],
  );
  assert.ok(packed.unpackedSize < 5e6, `${packed.unpackedSize} bytes`);
});

test('it is imported, indexes and searches from plain JavaScript', () => {
  writeFileSync(
    join(consumer, 'use.js'),
    `import { chunkFile, openIndex, TidemarkError } from 'tidemark';
     const index = await openIndex('tree');
     let summary;
     for await (const event of index.update()) if (event.type === 'done') summary = event.summary;
     const { hits } = await index.search('read a JSON file from disk', { kind: 'code' });
     await index.close();
     const chunks = [];
     for await (const chunk of chunkFile('tree/lib/sort.go')) chunks.push(chunk.symbol);
     const refused = await index.search('x').catch((error) => error instanceof TidemarkError && error.code);
     console.log(JSON.stringify({ files: summary.files.indexed, pending: summary.chunks.pending, first: hits[0].path, chunks, refused }));`,
  );
  assert.deepEqual(JSON.parse(run(process.execPath, ['use.js'])), {
    files: 10,
    pending: 0,
    first: 'src/settings.ts',
    chunks: ['InsertionSort'],
    refused: 'ERR_TIDEMARK_CLOSED',
  });
});

test('its command runs', () => {
  const { version } = JSON.parse(readFileSync(join(consumer, 'node_modules/tidemark/package.json'), 'utf8'));
  assert.equal(run('npx', ['--no-install', 'tidemark', '--version']).trim(), version);
  const tidemark = (...args: string[]) => JSON.parse(run('node_modules/.bin/tidemark', [...args, '--json']));
  const summary = tidemark('index', 'tree');
  assert.deepEqual([summary.files.seen, summary.chunks.pending, summary.degraded], [10, 0, []]);
  const { hits } = tidemark('search', 'InsertionSort', 'tree', '--mode', 'lexical');
  assert.equal(hits[0].path, 'lib/sort.go');
  // These grammars come with the package itself and are found by their place in it.
  for (const name of ['toml', 'makefile']) {
    writeFileSync(join(consumer, 'sample'), name === 'toml' ? '[a]\nb = 1\n' : 'all: a\n\techo a\n');
    assert.equal(tidemark('chunks', 'sample', '--language', name).language, name);
  }
});

for (const skipLibCheck of [true, false]) {
  test(`its types hold in a strict program, skipLibCheck ${skipLibCheck}`, () => {
    writeFileSync(
      join(consumer, 'use.ts'),
      `import { type Hit, type IndexEvent, openIndex, chunkStream } from 'tidemark';
       export async function main(): Promise<Hit[]> {
         const index = await openIndex('tree', { memory: '1GB' });
         for await (const event of index.update({ embed: false })) {
           const same: IndexEvent = event;
           if (same.type === 'done') console.log(same.summary.files.indexed satisfies number);
         }
         for await (const chunk of chunkStream([new Uint8Array(1)])) console.log(chunk.text.length);
         // @ts-expect-error types are there, and are not any
         await index.search(1);
         return (await index.search('query')).hits;
       }\n`,
    );
    const options = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      target: 'es2022',
      lib: ['es2022', 'dom', ...(skipLibCheck ? [] : ['esnext.disposable'])],
      module: 'nodenext',
      moduleResolution: 'nodenext',
      types: [],
      skipLibCheck,
    };
    writeFileSync(
      join(consumer, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['use.ts'] }),
    );
    run(process.execPath, [TSC, '-p', consumer]);
  });
}

test('without the native runtime WebAssembly embeds, and a mark that is too low for it is refused', () => {
  const { platform, arch } = process;
  const builds = join(consumer, 'node_modules/onnxruntime-node/bin');
  for (const version of readdirSync(builds))
    rmSync(join(builds, version, platform, arch), { recursive: true, force: true });
  rmSync(join(consumer, 'tree/.tidemark'), { recursive: true, force: true });
  const tidemark = (memory: string) =>
    run('node_modules/.bin/tidemark', ['index', 'tree', '--memory', memory, '--json']);
  assert.throws(() => tidemark('512MB'), /512 MB of memory is too little with the model.*--memory \d+MB/);
  const { embedder, chunks, degraded, peakRssBytes } = JSON.parse(tidemark('1GB'));
  assert.deepEqual([embedder.device, chunks.pending, chunks.failed, degraded], ['wasm', 0, 0, []]);
  assert.ok(peakRssBytes < 1e9, `${peakRssBytes}`);
});

test('what it depends on is there and nothing else, and nothing twice because of a range', () => {
  for (const name of ['typescript', 'vega', 'tsx'])
    assert.ok(!existsSync(join(consumer, 'node_modules', name)), name);
  for (const name of ['apache-arrow', 'onnxruntime-node', 'web-tree-sitter']) {
    assert.ok(existsSync(join(consumer, 'node_modules', name)), name);
    assert.ok(!existsSync(join(consumer, 'node_modules/tidemark/node_modules', name)), name);
  }
});

test('Lance of another version than it was built with is refused in words', () => {
  const other = join(base, 'other');
  const lance = join(other, 'node_modules/@lancedb/lancedb');
  mkdirSync(join(lance, 'dist'), { recursive: true });
  writeFileSync(join(lance, 'dist/index.js'), '');
  writeFileSync(join(lance, 'package.json'), JSON.stringify({ version: '0.0.1', main: 'dist/index.js' }));
  cpSync(
    join(consumer, 'node_modules/tidemark/dist/src/store/lance-packages.cjs'),
    join(other, 'packages.cjs'),
  );
  assert.throws(
    () => run(process.execPath, ['-e', "require('./packages.cjs').lance()"], other),
    /@lancedb\/lancedb is 0\.0\.1 and must be \d+\.\d+\.\d+: install tidemark again/,
  );
});

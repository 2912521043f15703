import assert from 'node:assert/strict';
import { test } from 'node:test';
import picomatch from 'picomatch';
import type { ChunkRow } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import {
  chunkBatch,
  chunkRow,
  collectAll,
  fileBatch,
  fileRow,
  seededRandom,
  temporaryStore,
} from '../support/store-rows.ts';

const NASTY = [
  "'",
  "''",
  '"',
  '\\',
  "\\'",
  '\n',
  '\r\n',
  '\t',
  '%',
  '_',
  '--',
  '/*',
  '*/',
  ';',
  ' OR 1=1',
  '`',
].concat([
  '\u0000',
  '😀',
  'é',
  '日本',
  '\u2028',
  "' OR 'a'='a",
  '{x}$',
  '$1',
  '(',
  ')',
  '[a]',
  '{b,c}',
  '*',
  '?',
  '^',
  '.',
  ' ',
]);

const escapeGlob = (text: string): string => text.replace(/[\\*?[\]{}!,]/g, '\\$&');

async function index(store: Store, rows: ChunkRow[]): Promise<void> {
  await store.addChunks(chunkBatch(rows));
  const files = new Map(rows.map((row) => [row.path, row.seq]));
  await store.addFiles(
    fileBatch([...files].map(([path, seq]) => fileRow({ rev: store.nextRev(), seq, path }))),
  );
}

const found = async (store: Store, filter: { path?: string; language?: string }): Promise<string[]> =>
  (await store.searchLexical({ terms: ['common'] }, filter, 1000)).map((hit) => hit.row.path).sort();

test('no value can change what a filter means', async (t) => {
  const store = await temporaryStore(t);
  const random = seededRandom(42);
  const nasty = () => {
    const parts = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
      random() < 0.3 ? 'x' : NASTY[Math.floor(random() * NASTY.length)]!,
    );
    return parts.join('');
  };
  const values = [...new Set([...NASTY, ...Array.from({ length: 120 }, nasty)])];
  const rows = values.map((value, i) =>
    chunkRow({
      id: `id ${value}`,
      seq: store.nextSeq(),
      path: `d/${value}`,
      language: value,
      symbol: `${i}`,
    }),
  );
  await index(store, rows);
  for (const [i, value] of values.entries()) {
    const row = rows[i]!;
    assert.deepEqual(await found(store, { language: value }), [row.path], JSON.stringify(value));
    assert.deepEqual(
      (await store.chunksById([row.id], ['id', 'path'])).map((hit) => ({ ...hit })),
      [{ id: row.id, path: row.path }],
    );
    assert.deepEqual((await collectAll(store.filesInRange(row.path, row.path))).flat(), []);
    assert.deepEqual([...(await store.newestByPath([row.path])).keys()], [row.path]);
    assert.deepEqual(
      await found(store, { path: `d/${escapeGlob(value)}` }),
      [row.path],
      JSON.stringify(value),
    );
    assert.deepEqual(await found(store, { path: `d/${escapeGlob(value)}?nothing` }), []);
    assert.ok((await store.searchLexical({ terms: [value, 'common'] }, {}, 1)).length === 1);
    assert.deepEqual(await found(store, { language: `${value}nothing` }), []);
  }
  assert.equal((await store.counts()).chunks, values.length);
});

const PATHS_SEED = 5;

function randomPath(random: () => number): string {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const segment = () =>
    Array.from({ length: 1 + Math.floor(random() * 2) }, () =>
      pick(['a', 'b', 'c', 'ab', '.x', '-', '_']),
    ).join('');
  const depth = 1 + Math.floor(random() * 4);
  const dirs = Array.from({ length: depth }, segment).join('/');
  return `${dirs}${pick(['', '.ts', '.test.ts', '.md'])}`;
}

function randomGlob(random: () => number): string {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const atom = () =>
    pick([
      'a',
      'b',
      'c',
      '*',
      '?',
      '[ab]',
      '[!a]',
      '[a-c]',
      '[^b-c]',
      '{a,b}',
      '{ab,c}',
      '.x',
      '-',
      '{a,*}',
      '.ts',
    ]);
  const segment = () =>
    random() < 0.25 ? '**' : Array.from({ length: 1 + Math.floor(random() * 2) }, atom).join('');
  const glob = Array.from({ length: 1 + Math.floor(random() * 4) }, segment).join('/');
  return (random() < 0.1 ? '!' : '') + glob + pick(['', '', '.ts', '/*.md', '/**', '/*']);
}

test('globs mean what picomatch makes of them', async (t) => {
  const store = await temporaryStore(t);
  const random = seededRandom(PATHS_SEED);
  const paths = [...new Set(Array.from({ length: 400 }, () => randomPath(random)))];
  const rows = paths.map((path, i) => chunkRow({ id: `${i}`, seq: store.nextSeq(), path }));
  await index(store, rows);
  const differing: string[] = [];
  let matched = 0;
  for (let i = 0; i < 400; i++) {
    const glob = randomGlob(random);
    // picomatch reads `[!a]` as a negation only with `posix`, which changes more.
    const reference = picomatch.makeRe(glob.replaceAll('[!', '[^'), { dot: true });
    const expected = paths.filter((path) => reference.test(path)).sort();
    const actual = await found(store, { path: glob });
    matched += expected.length;
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      const odd = [...actual.filter((p) => !expected.includes(p)).map((p) => `+${p}`)].concat(
        expected.filter((p) => !actual.includes(p)).map((p) => `-${p}`),
      );
      differing.push(`${glob}: ${odd.slice(0, 4).join(' ')}  ${reference}`);
    }
  }
  assert.ok(matched > 1000);
  assert.equal(differing.join('\n'), '');
});

test('globs with names of frameworks, and those that cannot be read', async (t) => {
  const store = await temporaryStore(t);
  const paths = [
    'app/[slug]/page.tsx',
    'app/(group)/page.tsx',
    'app/s/page.tsx',
    'app/{x}/page.tsx',
    'a&&b.c',
  ];
  await index(
    store,
    paths.map((path, i) => chunkRow({ id: `${i}`, seq: store.nextSeq(), path })),
  );
  assert.deepEqual(await found(store, { path: 'app/[slug]/page.tsx' }), [
    'app/[slug]/page.tsx',
    'app/s/page.tsx',
  ]);
  assert.deepEqual(await found(store, { path: 'app/(group)/**' }), ['app/(group)/page.tsx']);
  assert.deepEqual(await found(store, { path: 'app/{x}/*' }), ['app/{x}/page.tsx']);
  assert.deepEqual(await found(store, { path: './a[&][&-&]b.c' }), ['a&&b.c']);
  assert.deepEqual(await found(store, { path: '[z-a]*' }), []);
  assert.deepEqual(await found(store, { path: '{app,src}/**/page.*' }), paths.slice(0, 4).sort());
  assert.deepEqual(await found(store, { path: '!app/**' }), ['a&&b.c']);
  for (const bad of ['', '!', './', 'x'.repeat(5000), '{a,'.repeat(10) + '}'.repeat(10)])
    await assert.rejects(found(store, { path: bad }), { code: 'ERR_TIDEMARK_BAD_GLOB' });
});

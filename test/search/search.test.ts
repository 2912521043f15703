import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { grammar as json } from '../../grammars/json.ts';
import { compiledParser } from '../../src/chunk/compiled-parsers.ts';
import type { SearchOptions } from '../../src/search/search.ts';
import { openIndex, type TidemarkIndex } from '../../src/tidemark-index.ts';
import { embedderPids, indexOnce, update, write } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { TREE_PATHS, writeSearchTree } from '../support/search-tree.ts';

const root = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
let index: TidemarkIndex;

before(async () => {
  writeSearchTree(root);
  index = await openIndex(root);
  await update(index);
});
after(async () => {
  await index?.close();
  rmSync(root, { recursive: true });
});

async function paths(query: string, options: SearchOptions = {}): Promise<string[]> {
  return (await index.search(query, options)).hits.map(({ path }) => path);
}

test('a description finds the function that does it, by meaning and by both', async () => {
  for (const [query, path] of [
    ['read a JSON file from disk', 'src/settings.ts'],
    ['download a web page', 'src/http.ts'],
    ['store credentials safely', 'tools/password.py'],
    ['linear algebra', 'tools/matrix.py'],
    ['order numbers ascending', 'lib/sort.go'],
  ] as const) {
    for (const mode of ['semantic', 'hybrid'] as const) {
      const [first] = await paths(query, { mode, kind: 'code' });
      assert.equal(first, path, `${mode}: ${query}`);
    }
  }
  assert.equal((await paths('read a JSON file from disk', { mode: 'semantic' }))[0], 'src/settings.ts');
  assert.equal((await paths('watering the garden', { mode: 'semantic' }))[0], 'notes.txt');
});

test('a hit says where it is and what it is', async () => {
  const { hits, query, mode, coverage, seconds } = await index.search('hash_password', { limit: 1 });
  assert.deepEqual([query, mode, coverage], ['hash_password', 'hybrid', 1]);
  assert.ok(seconds >= 0 && hits.length === 1);
  const { score, text, ...place } = hits[0]!;
  assert.ok(score > 0 && text.includes('pbkdf2_hmac'));
  assert.deepEqual(place, {
    path: 'tools/password.py',
    startLine: 1,
    endLine: 4,
    language: 'python',
    kind: 'code',
    symbol: 'hash_password',
  });
});

test('a hit in a script has the language of the script, and the kind of its file', async (t) => {
  const page = temporaryDirectory(t);
  const script = Array.from(
    { length: 60 },
    (_, i) => `export function gauge${i}(x) {\n  return x + ${i};\n}\n`,
  );
  write(page, 'page.html', `<p>Dials</p>\n<script type="module">\n${script.join('\n')}</script>\n`);
  await indexOnce(page, { embed: false });
  await using opened = await openIndex(page);
  const [hit] = (await opened.search('gauge7')).hits;
  assert.deepEqual([hit?.path, hit?.language, hit?.kind], ['page.html', 'javascript', 'code']);
});

test('words find identifiers whole and in parts, and nothing else', async () => {
  for (const query of ['InsertionSort', 'insertionsort', 'insertion sort', 'INSERTION', 'sort insertion']) {
    assert.deepEqual(await paths(query, { mode: 'lexical' }), ['lib/sort.go'], query);
  }
  assert.deepEqual(await paths('pbkdf2', { mode: 'lexical' }), ['tools/password.py']);
  assert.deepEqual(await paths('plants', { mode: 'lexical' }), ['notes.txt']);
  assert.deepEqual(await paths('zebra', { mode: 'lexical' }), []);
});

test('by meaning everything has a place, once', async () => {
  const all = await paths('zebra', { mode: 'semantic', limit: 1000 });
  assert.deepEqual([...all].sort(), [...TREE_PATHS].sort());
});

test('filters hold in every mode', async () => {
  const cases: [SearchOptions, (path: string) => boolean][] = [
    [{ path: 'src/**' }, (path) => path.startsWith('src/')],
    [{ path: '*.py' }, (path) => path.endsWith('.py')],
    [{ path: '!*.py' }, (path) => !path.endsWith('.py')],
    [{ path: 'settings.*' }, (path) => path.includes('/settings.')],
    [{ path: 'docs/' }, (path) => path.startsWith('docs/')],
    [{ path: '*/*.ts' }, (path) => path.endsWith('.ts')],
    [{ path: 'docs' }, (path) => path.startsWith('docs/')],
    [{ path: './docs/' }, (path) => path.startsWith('docs/')],
    [{ path: 'ocs' }, () => false],
    [{ path: 'docs/settings.md' }, (path) => path === 'docs/settings.md'],
    [{ language: 'python' }, (path) => path.endsWith('.py')],
    [{ language: 'TS' }, (path) => path.endsWith('.ts')],
    [{ kind: 'docs' }, (path) => /\.(md|txt)$/.test(path)],
    [{ kind: 'code' }, (path) => !/\.(md|txt)$/.test(path)],
    [{ path: 'src/**', kind: 'docs' }, () => false],
  ];
  for (const [filter, fits] of cases) {
    const expected = TREE_PATHS.filter(fits).sort();
    const semantic = await paths('file', { ...filter, mode: 'semantic' });
    assert.deepEqual(semantic.sort(), expected, JSON.stringify(filter));
    for (const mode of ['lexical', 'hybrid'] as const) {
      const found = await paths('settings return values', { ...filter, mode });
      assert.ok(found.every(fits), `${mode} ${JSON.stringify(filter)}: ${found}`);
      assert.equal(found.length > 0, expected.length > 0, `${mode} ${JSON.stringify(filter)}`);
    }
  }
});

test('what is asked for wrongly is refused with a code', async () => {
  await assert.rejects(index.search('x', { language: 'klingon' }), { code: 'ERR_TIDEMARK_LANGUAGE' });
  for (const path of ['', '!', `${'{a,'.repeat(10)}${'}'.repeat(10)}`]) {
    await assert.rejects(index.search('x', { path }), { code: 'ERR_TIDEMARK_BAD_GLOB' });
  }
});

test('a query of nothing, of signs, and of any length is answered', async () => {
  for (const query of ['', '   ', '\n']) {
    for (const mode of ['hybrid', 'lexical', 'semantic'] as const)
      assert.deepEqual(await paths(query, { mode }), []);
  }
  assert.deepEqual(await paths('=> {} ;', { mode: 'lexical' }), []);
  assert.ok((await paths('=> {} ;', { mode: 'hybrid' })).length > 0);
  const long = 'read the settings of the program out of a file '.repeat(200);
  assert.ok((await paths(long)).includes('src/settings.ts'));
  assert.ok((await paths('" OR 1=1; \' \\ % _ \0 \ud800', { mode: 'hybrid' })).length > 0);
});

test('limits are kept, and a smaller limit gives the beginning of a larger one', async () => {
  for (const mode of ['hybrid', 'lexical', 'semantic'] as const) {
    const all = await paths('settings file values', { mode, limit: 100 });
    for (const limit of [1, 2, 3]) {
      assert.deepEqual(await paths('settings file values', { mode, limit }), all.slice(0, limit));
    }
  }
});

test('the same question has the same answer, again, side by side, and in an index built anew', async (t) => {
  const copy = temporaryDirectory(t);
  writeSearchTree(copy);
  await indexOnce(copy);
  await using other = await openIndex(copy);
  for (const mode of ['hybrid', 'lexical', 'semantic'] as const) {
    const ask = async (from: TidemarkIndex) => (await from.search('values of a file', { mode })).hits;
    const first = await ask(index);
    for (const hits of await Promise.all([ask(index), ask(index), ask(other)])) assert.deepEqual(hits, first);
  }
});

test('without vectors, search by words and by both works and says that coverage is 0', async (t) => {
  const plain = temporaryDirectory(t);
  write(plain, 'a.ts', 'export const needle = 1;\n');
  await indexOnce(plain, { embed: false });
  await using lexical = await openIndex(plain);
  for (const mode of ['hybrid', 'lexical'] as const) {
    const { hits, coverage } = await lexical.search('needle', { mode });
    assert.deepEqual([hits.length, coverage], [1, 0]);
  }
  assert.deepEqual((await lexical.search('needle', { mode: 'semantic' })).hits, []);
});

test('closing waits for the searches under way', async () => {
  for (let round = 0; round < 20; round++) {
    const other = await openIndex(root);
    await other.search('sort', { mode: 'lexical' });
    // Closed at some moment of the search: Lance lets no handle go that a call still has.
    const searches = Promise.allSettled(
      ['sort', 'password'].map((query) => other.search(query, { mode: 'lexical' })),
    );
    await sleep(round % 10);
    await other.close();
    for (const search of await searches)
      if (search.status === 'rejected') assert.equal(search.reason.code, 'ERR_TIDEMARK_CLOSED');
  }
});

test('a search that comes while the index goes to rest finds as ever', async (t) => {
  await using other = await openIndex(root);
  for (const mode of ['hybrid', 'lexical'] as const) {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    await other.search('sort');
    t.mock.timers.tick(60_000);
    t.mock.timers.reset();
    const { hits } = await other.search('InsertionSort', { mode });
    assert.equal(hits[0]?.path, 'lib/sort.go', mode);
  }
});

test('an index that goes to rest beside its own update leaves it what all of the process share', async (t) => {
  const copy = temporaryDirectory(t);
  writeSearchTree(copy);
  await indexOnce(copy, { embed: false });
  await using other = await openIndex(copy);
  const parser = await compiledParser(json);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  await other.search('sort', { mode: 'lexical' });
  const updating = other.update({ embed: false });
  await updating.next();
  t.mock.timers.tick(60_000);
  t.mock.timers.reset();
  await sleep(100);
  assert.ok((await compiledParser(json)) === parser, 'it is not compiled again');
  for await (const _ of updating);
});

test('a closed index answers nothing and leaves no process', async () => {
  const handle = await openIndex(root);
  assert.equal(
    (await handle.search('linear algebra', { mode: 'semantic' })).hits[0]?.path,
    'tools/matrix.py',
  );
  const before = embedderPids().length;
  const late = handle.search('color', { mode: 'semantic' }).catch((error: { code: string }) => error.code);
  await handle.close();
  await handle.close();
  const outcome = await late;
  assert.ok(typeof outcome === 'object' || /CLOSED|DISPOSED/.test(outcome), String(outcome));
  await assert.rejects(handle.search('color'), { code: 'ERR_TIDEMARK_CLOSED' });
  assert.equal(embedderPids().length, before - 1);
});

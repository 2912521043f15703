import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { type ChunkHit, type ChunkRow, DETAIL_KEYS, HIT_KEYS } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import {
  chunkBatch,
  chunkRow,
  collectAll,
  fileBatch,
  fileRow,
  idsOf,
  seededRandom,
  temporaryStore,
} from '../support/store-rows.ts';

async function commit(
  store: Store,
  rows: Omit<Parameters<typeof chunkRow>[0], 'seq'>[],
): Promise<ChunkRow[]> {
  const chunks = rows.map((row) => chunkRow({ ...row, seq: store.nextSeq() }));
  await store.addChunks(chunkBatch(chunks));
  await store.addFiles(
    fileBatch(chunks.map(({ path, seq }) => fileRow({ rev: store.nextRev(), seq, path }))),
  );
  return chunks;
}

const key = (row: ChunkRow) => {
  const { id, hash, path, language, kind } = row;
  return { id, hash, path, language, kind };
};

/** Where a row lies is not the same in each table. */
const withoutRowId = ({ rowId, ...row }: ChunkHit) => {
  assert.equal(typeof rowId, 'bigint');
  return row;
};
const TERMS = [
  'foo_bar',
  'c++',
  'c#',
  '.net',
  'a',
  'the',
  'is',
  'running',
  'naïve',
  '日本語',
  '🚀',
  'operator<<',
].concat(
  [
    'a.b.c',
    'back\\slash',
    '"quoted"',
    "it's",
    '+plus',
    '-minus',
    'and',
    'or',
    'not',
    'x~2',
    'x*',
    'x^3',
    'col:x',
  ],
  ['(paren)', 'ﬁ', 'UPPER', 'z'.repeat(900)],
);

test('terms are found whole and as they are, before and after the index is built', async (t) => {
  const store = await temporaryStore(t);
  await commit(
    store,
    TERMS.map((term, i) => ({ id: `${i}`, path: `f${i}`, terms: `common ${term}` })),
  );
  for (const built of [false, true]) {
    if (built) assert.equal(await store.buildTextIndex({ force: true }), true);
    for (const [i, term] of TERMS.entries()) {
      const hits = await store.searchLexical({ terms: [term] }, {}, 10);
      assert.deepEqual(await idsOf(store, hits), [`${i}`], `${term}, built: ${built}`);
      assert.ok(hits[0]!.score > 0);
    }
    for (const term of ['foo', 'bar', 'run', 'naive', 'upper', 'fi', 'c', 'net', 'x', ''])
      assert.deepEqual(await store.searchLexical({ terms: [term] }, {}, 10), [], `${term}, built: ${built}`);
    const both = await store.searchLexical({ terms: ['c++', 'foo_bar', 'absent'] }, {}, 10);
    assert.deepEqual((await idsOf(store, both)).sort(), ['0', '1']);
  }
});

test('a term that is given twice counts twice, before and after the index is built', async (t) => {
  const store = await temporaryStore(t);
  const words = ['tide', 'tide ebb', 'ebb', 'ebb flow flow', 'flow', 'calm'];
  await commit(
    store,
    words.map((terms, i) => ({ id: `${i}`, path: `f${i}`, terms })),
  );
  for (const built of [false, true]) {
    if (built) await store.buildTextIndex({ force: true });
    const scores = async (...terms: string[]) => {
      const hits = await store.searchLexical({ terms }, {}, 10);
      return new Map(hits.map(({ row, score }) => [row.path, score]));
    };
    const [tide, ebb, sum] = [await scores('tide'), await scores('ebb'), await scores('tide', 'ebb', 'ebb')];
    assert.deepEqual([...sum.keys()].sort(), ['f0', 'f1', 'f2', 'f3']);
    for (const [id, score] of sum) {
      const expected = (tide.get(id) ?? 0) + 2 * (ebb.get(id) ?? 0);
      assert.ok(Math.abs(score / expected - 1) < 1e-4, `${id}: ${score}, ${expected}, built: ${built}`);
    }
  }
});

test('a hit is what a search ranks by, its text comes on demand, and filters hold for both searches', async (t) => {
  const store = await temporaryStore(t);
  const [a, b] = await commit(store, [
    {
      id: 'a',
      path: 'src/a.ts',
      terms: 'tide',
      symbol: 'f',
      scope: 'C',
      startLine: 3,
      endLine: 9,
      text: 'té\n',
    },
    {
      id: 'b',
      path: 'docs/b.md',
      terms: 'tide',
      language: null,
      kind: 'docs',
      startByte: 5,
      endByte: 2 ** 40,
    },
  ]);
  const hit = Object.fromEntries([...HIT_KEYS, 'kind'].map((name) => [name, a![name as keyof ChunkRow]]));
  assert.deepEqual(
    (await store.searchLexical({ terms: ['tide'] }, { path: 'src/**' }, 5)).map((h) => withoutRowId(h.row)),
    [hit],
  );
  const gone = { seq: 99n, ordinal: 0 };
  const details = await store.details([b!, gone, a!]);
  assert.deepEqual(
    details.map((found) => found?.text),
    [b!.text, undefined, 'té\n'],
  );
  assert.deepEqual(details[2], Object.fromEntries(DETAIL_KEYS.map((name) => [name, a![name]])));
  const found = (await store.searchLexical({ terms: ['tide'] }, {}, 5)).map((h) => h.row);
  assert.deepEqual(
    (await store.details(found)).map((row) => row!.text),
    found.map(({ path }) => (path === a!.path ? a!.text : b!.text)),
  );
  // A merge gives rows other places: what lies there now is another row, or none.
  await store.maintain({ only: 'all' });
  const misplaced = found.map((row, i) => ({ ...row, rowId: found[1 - i]!.rowId! + 1n }));
  assert.deepEqual(
    (await store.details(misplaced)).map((row) => row!.seq),
    found.map(({ seq }) => seq),
  );
  const [defining] = await store.searchLexical({ terms: ['tide'] }, { path: 'src/**' }, 5, {
    definitions: true,
  });
  assert.deepEqual(withoutRowId(defining!.row), { ...hit, scope: a!.scope, definitions: a!.definitions });
  await store.setModel({ id: 'm', dtype: 'fp32', dimensions: 2 });
  await store.addVectors([key(a!), key(b!)], Float32Array.of(1, 0, 0.6, 0.8));
  const query = Float32Array.of(1, 0);
  const all = await store.searchSemantic(query, {}, 5);
  assert.deepEqual(
    all.map((h) => h.row.path),
    [a!.path, b!.path],
  );
  assert.ok(Math.abs(all[0]!.distance) < 1e-3 && Math.abs(all[1]!.distance - 0.4) < 1e-3);
  for (const filter of [{ kind: 'docs' } as const, { path: '**/*.md' }, { path: '!src/**' }]) {
    assert.deepEqual(
      (await store.searchSemantic(query, filter, 5)).map((h) => h.row.path),
      [b!.path],
    );
    assert.deepEqual(
      (await store.searchLexical({ terms: ['tide'] }, filter, 5)).map((h) => h.row.path),
      [b!.path],
    );
  }
  assert.deepEqual(await store.searchSemantic(query, { language: 'rust' }, 5), []);
  const [near] = await store.searchSemantic(query, { language: 'typescript' }, 5);
  assert.deepEqual(withoutRowId(near!.row), hit);
});

test('a stale vector does not show, does not crowd out live ones, and comes alive with its chunk', async (t) => {
  const store = await temporaryStore(t);
  await store.setModel({ id: 'm', dtype: 'fp32', dimensions: 2 });
  const rows = await commit(
    store,
    Array.from({ length: 60 }, (_, i) => ({ id: `c${i}`, path: `f${i}` })),
  );
  const vectors = Float32Array.from(rows.flatMap((_, i) => [Math.cos(i / 60), Math.sin(i / 60)]));
  await store.addVectors(rows.map(key), vectors);
  // The nearest 58 lose their chunks.
  await store.deleteChunksBySeq(rows.slice(0, 58).map((row) => row.seq));
  const query = Float32Array.of(1, 0);
  const ids = async () => idsOf(store, await store.searchSemantic(query, {}, 2));
  assert.deepEqual(await ids(), ['c58', 'c59']);
  await commit(store, [{ id: 'c0', path: 'f0' }]);
  assert.deepEqual(await ids(), ['c0', 'c58']);
});

test('vectors are known by id and come back by content', async (t) => {
  const store = await temporaryStore(t);
  assert.deepEqual(await store.existingVectors(['a']), new Set());
  assert.deepEqual(await store.vectorsByHash(['h']), new Map());
  await store.setModel({ id: 'm', dtype: 'fp32', dimensions: 3 });
  const row = (id: string, hash: string) => chunkRow({ id, hash, seq: 1n, path: id });
  await store.addVectors(
    [key(row('a', 'h1')), key(row('b', 'h2')), key(row('moved', 'h1'))],
    Float32Array.of(1, 2, 3, 4, 5, 6, 1, 2, 3),
  );
  assert.deepEqual(await store.existingVectors(['a', 'moved', 'absent']), new Set(['a', 'moved']));
  assert.deepEqual(
    await store.vectorsByHash(['h1', 'h2', 'h3', 'h1']),
    new Map([
      ['h1', Float32Array.of(1, 2, 3)],
      ['h2', Float32Array.of(4, 5, 6)],
    ]),
  );
  const many = Array.from({ length: 1200 }, (_, i) => key(row(`m${i}`, `mh${i}`)));
  await store.addVectors(many, new Float32Array(3600).fill(0.5));
  assert.equal((await store.existingVectors(many.map((k) => k.id))).size, 1200);
  assert.equal((await store.vectorsByHash(many.map((k) => k.hash))).size, 1200);
  const one = [key(row('bad', 'x'))];
  await assert.rejects(store.addVectors(one, Float32Array.of(1, 2)), RangeError);
  await assert.rejects(store.addVectors(one, Float32Array.of(1, 2, Number.POSITIVE_INFINITY)), RangeError);
  await assert.rejects(store.addVectors(one, Float32Array.of(1, Number.NaN, 3)), RangeError);
  assert.equal((await store.counts()).vectors, 1203);
});

test('maintenance purges stale vectors only, and answers stay the same', async (t) => {
  const store = await temporaryStore(t);
  await store.setModel({ id: 'm', dtype: 'fp32', dimensions: 4 });
  const random = seededRandom(3);
  const rows: ChunkRow[] = [];
  for (let flush = 0; flush < 10; flush++) {
    const added = await commit(
      store,
      Array.from({ length: 400 }, (_, i) => ({
        id: `${Math.floor(random() * 2 ** 48).toString(16)}-${flush}-${i}`,
        path: `d${flush}/f${i}.ts`,
        terms: `common w${i % 50} v${flush}`,
      })),
    );
    await store.addVectors(
      added.map(key),
      Float32Array.from({ length: added.length * 4 }, () => random() - 0.5),
    );
    rows.push(...added);
  }
  const gone = rows.filter((_, i) => i % 2 === 0);
  const kept = rows.filter((_, i) => i % 2 === 1);
  await store.deleteChunksBySeq(gone.map((row) => row.seq));
  await store.deleteFilesByRev(
    (await collectAll(store.files()))
      .filter((f) => gone.some((row) => row.path === f.path))
      .map((f) => f.rev),
  );
  const answers = async () => ({
    lexical: (await idsOf(store, await store.searchLexical({ terms: ['w7', 'v3'] }, {}, 500))).sort(),
    semantic: await idsOf(store, await store.searchSemantic(Float32Array.of(1, 0, 0, 0), {}, 20)),
    files: (await collectAll(store.files())).map((f) => f.path),
  });
  const before = await answers();
  assert.ok(before.lexical.length > 100 && before.semantic.length === 20);
  await using reader = await openStore(path.dirname(store.tablesUri), { create: false, mode: 'read' });
  let finished = false;
  const reading = (async () => {
    let rounds = 0;
    for (; !finished || rounds === 0; rounds++) {
      assert.equal((await reader.searchLexical({ terms: ['w7'] }, {}, 500)).length, 80);
      assert.equal((await collectAll(reader.files())).length, kept.length);
    }
  })();
  const report = await store.maintain({ only: 'all' });
  finished = true;
  await reading;
  assert.deepEqual(report.compacted, ['files', 'chunks', 'vectors']);
  assert.equal(report.purgedVectors, gone.length);
  assert.deepEqual(await answers(), before);
  assert.deepEqual(
    await store.existingVectors(rows.map((row) => row.id)),
    new Set(kept.map((row) => row.id)),
  );
  assert.equal((await reader.searchLexical({ terms: ['w7'] }, {}, 500)).length, 80);
  // Nothing is worn now, so nothing is done.
  assert.deepEqual(await store.maintain(), { compacted: [], built: [], purgedVectors: 0, later: [] });
});

test('maintenance that is stopped begins nothing more, and leaves the words searchable', async (t) => {
  const store = await temporaryStore(t);
  const terms = (i: number) => `w${i}`;
  for (let i = 0; i < 8; i++) {
    const [seq, path] = [store.nextSeq(), `${i}.ts`];
    await store.addChunks(
      chunkBatch([chunkRow({ id: `${i}`.padStart(32, '0'), seq, path, terms: terms(i) })]),
    );
    await store.addFiles(fileBatch([fileRow({ rev: store.nextRev(), seq, path, chunks: 1 })]));
  }
  const nothing = { compacted: [], built: [], purgedVectors: 0, later: [] };
  assert.deepEqual(await store.maintain({ only: 'all', signal: AbortSignal.abort() }), nothing);
  // Before the purge of vectors, the files, and the chunks, whose index of words is dropped for it.
  const stop = new AbortController();
  let asked = 0;
  const room = async () => {
    if (++asked === 3) stop.abort();
    return true;
  };
  const report = await store.maintain({ only: 'all', room, signal: stop.signal });
  assert.deepEqual([report.compacted, report.built], [['files', 'chunks'], ['chunks.terms']]);
  for (let i = 0; i < 8; i++)
    assert.equal((await store.searchLexical({ terms: [terms(i)] }, {}, 10)).length, 1, terms(i));
});

test('words that few chunks have beyond the index wait where memory is short, those of many do not', async (t) => {
  const store = await temporaryStore(t);
  const add = async (count: number, terms: string) => {
    const [seq, path] = [store.nextSeq(), `${terms}.ts`];
    const row = (i: number) =>
      chunkRow({ id: `${terms}${i}`.padStart(32, '0'), seq, path, ordinal: i, terms });
    await store.addChunks(chunkBatch(Array.from({ length: count }, (_, i) => row(i))));
    await store.addFiles(fileBatch([fileRow({ rev: store.nextRev(), seq, path, chunks: count })]));
  };
  const found = async (term: string) => (await store.searchLexical({ terms: [term] }, {}, 1)).length;
  const room = async () => false;
  await add(1000, 'ebb');
  assert.deepEqual((await store.maintain({ room })).later, ['index the words']);
  assert.equal(await found('ebb'), 1, 'they are found without it');
  await add(16_000, 'flow');
  const { built, later } = await store.maintain({ room });
  assert.ok(built.includes('chunks.terms') && !later.includes('index the words'));
  await add(1000, 'tide');
  assert.ok((await store.maintain({ room })).later.includes('index the words'));
  assert.ok((await store.maintain()).built.includes('chunks.terms'));
  assert.equal(await found('tide'), 1);
});

import assert from 'node:assert/strict';
import { appendFileSync, cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Summary } from '../../src/pipeline/summary.ts';
import type { SearchMode } from '../../src/search/search.ts';
import { chunkRuns, MAX_RUNS } from '../../src/store/chunk-runs.ts';
import { connectTo } from '../../src/store/lance.ts';
import { openStore } from '../../src/store/open.ts';
import type { LiveFileRow } from '../../src/store/schema.ts';
import { openIndex, type TidemarkIndex } from '../../src/tidemark-index.ts';
import { seeded } from '../support/chunking.ts';
import { EditedTree } from '../support/edits.ts';
import { functionText } from '../support/fixtures.ts';
import { exportIndex, update, write } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { collectAll } from '../support/store-rows.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const FUNCTIONS = 300;
const EDITED = 150;
const ROUNDS = 4;
const COMPARE_EVERY = 2;

interface Tree {
  readonly root: string;
  readonly model: string;
  readonly index: TidemarkIndex;
  run(): Promise<Summary>;
}

async function newTree(t: TestContext): Promise<Tree> {
  const [root, model] = [join(temporaryDirectory(t), 'tree'), temporaryDirectory(t)];
  writeTinyModel(model);
  write(root, 'README.md', '# One large module\n');
  const index = await openIndex(root, { model });
  t.after(() => index.close());
  return { root, model, index, run: async () => (await update(index)).summary };
}

/** A module of hundreds of functions, each a chunk of its own. */
const largeModule = (): string[] =>
  Array.from({ length: FUNCTIONS }, (_, i) => functionText(`step${i}`, 'tide'));

async function fileRow(root: string, path: string): Promise<LiveFileRow> {
  await using store = await openStore(join(root, '.tidemark'), { create: false, mode: 'read' });
  const rows = await collectAll(store.files());
  return rows.find((row) => row.path === path)!;
}

/** Where the table has the row of each chunk of a file, by ordinal: another number is another row. */
async function rowIds(root: string, path: string): Promise<string[]> {
  await using store = await openStore(join(root, '.tidemark'), { create: false, mode: 'read' });
  const table = await (await connectTo(store.tablesUri)).openTable('chunks');
  const query = table.query().withRowId().select(['_rowid', 'ordinal']).where(`path = '${path}'`);
  const ids: string[] = [];
  for (const row of await query.toArray()) {
    assert.equal(ids[row.ordinal], undefined, `two rows of chunk ${row.ordinal}`);
    ids[row.ordinal] = String(row._rowid);
  }
  return ids;
}

/** The index must equal one of the same tree that is built at once, and hold no other rows. */
async function assertAsNew({ root, model, index }: Tree, modes: readonly SearchMode[], what = '') {
  const fresh = `${root}-fresh`;
  rmSync(fresh, { recursive: true, force: true });
  cpSync(root, fresh, { recursive: true, filter: (path) => !path.endsWith('.tidemark') });
  await using other = await openIndex(fresh, { model });
  await update(other);
  const expected = await exportIndex(fresh);
  assert.deepEqual(await exportIndex(root), expected, what);
  // What is not in the full-text index yet is weighed by statistics of its own, in the last digits of a score.
  for (const tree of [root, fresh]) {
    await using store = await openStore(join(tree, '.tidemark'), { create: false, mode: 'write' });
    await store.buildTextIndex({ force: true });
  }
  for (const mode of modes) {
    // All there is: of equal scores an index may return any if it has to choose.
    const options = { mode, limit: 1000 };
    const { hits } = await index.search('compute the green step', options);
    assert.deepEqual(hits, (await other.search('compute the green step', options)).hits, `${what}: ${mode}`);
    assert.ok(hits.length > 0);
  }
  await using store = await openStore(join(root, '.tidemark'), { create: false, mode: 'read' });
  assert.equal((await store.counts()).chunks, expected.chunks.length, `${what}: rows that no file names`);
}

test('a line more in the middle of a large file: what is above stays, what is below is moved', async (t) => {
  const tree = await newTree(t);
  const functions = largeModule();
  write(tree.root, 'big.ts', functions.join('\n'));
  const first = await tree.run();
  const before = await rowIds(tree.root, 'big.ts');
  assert.equal(before.length, FUNCTIONS);
  assert.equal(first.chunks.written, FUNCTIONS + 1);

  functions[EDITED] = functions[EDITED]!.replace('{\n', '{\n  ;\n');
  write(tree.root, 'big.ts', functions.join('\n'));
  const { chunks, files } = await tree.run();
  assert.deepEqual([files.indexed, files.unchanged], [1, 1]);
  assert.deepEqual(chunks, {
    written: FUNCTIONS - EDITED,
    embedded: 1,
    reused: FUNCTIONS - 1,
    pending: 0,
    failed: 0,
  });
  const after = await rowIds(tree.root, 'big.ts');
  assert.deepEqual(after.slice(0, EDITED), before.slice(0, EDITED));
  assert.equal(after.length, FUNCTIONS);
  for (const id of after.slice(EDITED)) assert.ok(!before.includes(id));

  const lines = readFileSync(join(tree.root, 'big.ts'), 'utf8').split('\n');
  for (const i of [0, EDITED - 1, EDITED, EDITED + 1, FUNCTIONS - 1]) {
    const { hits } = await tree.index.search(`step${i}`, { mode: 'lexical', limit: 1 });
    const { startLine, endLine, text } = hits[0]!;
    assert.equal(lines.slice(startLine - 1, endLine).join('\n'), text.trimEnd());
    assert.ok(text.includes(`function step${i}(`));
  }
  await assertAsNew(tree, ['lexical', 'semantic']);
});

test('an edit that moves nothing writes one row, and one that changes no chunk writes none', async (t) => {
  const tree = await newTree(t);
  const functions = largeModule();
  write(tree.root, 'big.ts', functions.join('\n'));
  await tree.run();
  const before = await rowIds(tree.root, 'big.ts');

  functions[EDITED] = functions[EDITED]!.replace('Works', 'Plays');
  write(tree.root, 'big.ts', functions.join('\n'));
  const { chunks } = await tree.run();
  assert.deepEqual([chunks.written, chunks.embedded, chunks.reused], [1, 1, FUNCTIONS - 1]);
  const after = await rowIds(tree.root, 'big.ts');
  assert.deepEqual(after.with(EDITED, ''), before.with(EDITED, ''));
  assert.notEqual(after[EDITED], before[EDITED]);

  appendFileSync(join(tree.root, 'big.ts'), '\n\n');
  const { summary, events } = await update(tree.index);
  assert.deepEqual([summary.files.indexed, summary.chunks.written, summary.chunks.pending], [1, 0, 0]);
  assert.ok(!events.some((event) => event.type === 'start' && event.lane === 'semantic'), 'nothing to embed');
  assert.deepEqual(await rowIds(tree.root, 'big.ts'), after);
  await assertAsNew(tree, ['lexical']);
});

test('chunks that are gone lose their rows, and chunks that come lie at their place', async (t) => {
  const tree = await newTree(t);
  const functions = largeModule();
  write(tree.root, 'big.ts', functions.join('\n'));
  await tree.run();
  const before = await rowIds(tree.root, 'big.ts');

  write(tree.root, 'big.ts', functions.slice(0, 200).join('\n'));
  const { chunks } = await tree.run();
  assert.deepEqual([chunks.written, chunks.embedded], [0, 0]);
  assert.deepEqual(await rowIds(tree.root, 'big.ts'), before.slice(0, 200));

  write(tree.root, 'big.ts', functions.join('\n'));
  const back = (await tree.run()).chunks;
  assert.deepEqual([back.written, back.embedded, back.reused], [100, 0, FUNCTIONS]);
  assert.deepEqual((await rowIds(tree.root, 'big.ts')).slice(0, 200), before.slice(0, 200));
  await assertAsNew(tree, ['lexical']);
});

test('after many edits a file still names its rows in a few runs', async (t) => {
  const tree = await newTree(t);
  const random = seeded(3);
  const functions = largeModule();
  let most = 0;
  let written = 0;
  for (let round = 0; round < 12; round++) {
    write(tree.root, 'big.ts', functions.join('\n'));
    written += (await update(tree.index, { embed: false })).summary.chunks.written;
    most = Math.max(most, chunkRuns(await fileRow(tree.root, 'big.ts')).length);
    // As many characters as before: nothing moves.
    const i = Math.floor(random() * FUNCTIONS);
    functions[i] = functions[i]!.replace(/step \d/g, () => `step ${round % 10}`);
  }
  assert.ok(most > 8 && most <= MAX_RUNS, `${most} runs`);
  assert.ok(written < 6 * FUNCTIONS, `${written} rows in 12 runs`);
  await tree.run();
  await assertAsNew(tree, ['lexical']);
});

for (const seed of [1, 2]) {
  test(`whatever is edited, the index is as a new one is (seed ${seed})`, async (t) => {
    const tree = await newTree(t);
    const edited = new EditedTree(tree.root, seeded(seed));
    await tree.run();
    for (let round = 1; round <= ROUNDS; round++) {
      const changes = edited.change();
      const { chunks } = await tree.run();
      assert.deepEqual([chunks.pending, chunks.failed], [0, 0]);
      if (round % COMPARE_EVERY !== 0) continue;
      const modes = round === ROUNDS ? (['lexical', 'semantic'] as const) : (['lexical'] as const);
      await assertAsNew(tree, modes, `round ${round}: ${changes.join('; ')}`);
    }
  });
}

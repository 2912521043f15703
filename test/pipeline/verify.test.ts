import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Table } from '@lancedb/lancedb';
import { connectTo } from '../../src/store/lance.ts';
import { readMeta } from '../../src/store/meta.ts';
import { placeAt } from '../../src/store/place-at.ts';
import { openIndex, type TidemarkIndex } from '../../src/tidemark-index.ts';
import { runCli } from '../support/cli-runs.ts';
import { copySources, exportIndex, indexOnce, update } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const base = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
const model = join(base, 'model');
const whole = join(base, 'whole');
after(() => rmSync(base, { recursive: true, force: true }));

before(async () => {
  mkdirSync(model);
  writeTinyModel(model);
  copySources(whole, { 'apache-arrow/fb': 6, 'commander/lib': 4 });
  await indexOnce(whole, { model });
});

type TableName = 'files' | 'chunks' | 'vectors';

/** A copy of the index of `whole`, damaged behind tidemark's back. */
async function damaged(
  t: Parameters<typeof temporaryDirectory>[0],
  damage: (tables: Record<TableName, Table>) => Promise<unknown>,
): Promise<string> {
  const root = temporaryDirectory(t);
  cpSync(whole, root, { recursive: true });
  const dir = join(root, '.tidemark');
  const connection = await connectTo(join(dir, (await readMeta(placeAt(dir))).tables));
  const open = (name: TableName) => connection.openTable(name);
  await damage({ files: await open('files'), chunks: await open('chunks'), vectors: await open('vectors') });
  return root;
}

async function rowsOf(table: Table, where: string): Promise<Record<string, unknown>[]> {
  return (await table.query().where(where).limit(1000).toArray()).map((row) => ({ ...row.toJSON() }));
}

const kinds = (found: Awaited<ReturnType<TidemarkIndex['verify']>>) =>
  found.damage.map(({ kind, count, paths }) => [kind, count, paths[0]]);

const FILE = 'commander/lib/command.js';
const OF_FILE = `path = '${FILE}'`;

const DAMAGES: Record<
  string,
  { damage: (tables: Record<TableName, Table>) => Promise<unknown>; finds: unknown[]; toIndex: number }
> = {
  'a chunk is lost': {
    damage: ({ chunks }) => chunks.delete(`${OF_FILE} AND ordinal = 3`),
    finds: [['missing-chunks', 1, FILE]],
    toIndex: 1,
  },
  'all chunks are lost': {
    damage: ({ chunks }) => chunks.delete('true'),
    finds: [['missing-chunks', 10, 'apache-arrow/fb/File_generated.d.ts']],
    toIndex: 10,
  },
  'a chunk is there twice': {
    damage: async ({ chunks }) => chunks.add(await rowsOf(chunks, `${OF_FILE} AND ordinal = 2`)),
    finds: [['doubled-chunks', 1, FILE]],
    toIndex: 1,
  },
  'a text has changed': {
    damage: ({ chunks }) =>
      chunks.update({ where: `${OF_FILE} AND ordinal = 1`, values: { text: 'not what it was' } }),
    finds: [['changed-chunks', 1, FILE]],
    toIndex: 1,
  },
  'chunks of no file': {
    damage: async ({ chunks }) => {
      const rows = await rowsOf(chunks, `${OF_FILE} AND ordinal < 2`);
      await chunks.add(rows.map((row) => ({ ...row, seq: 999n, path: 'gone.js' })));
    },
    finds: [['orphans', 2, 'gone.js']],
    toIndex: 0,
  },
  'the record of a file is lost': {
    damage: ({ files }) => files.delete(OF_FILE),
    // As many as there are chunks of it.
    finds: [['orphans', undefined, FILE]],
    toIndex: 0,
  },
  'an older record is left': {
    damage: async ({ files }) =>
      files.add((await rowsOf(files, OF_FILE)).map((row) => ({ ...row, rev: 0n, seq: 0n, chunks: 0 }))),
    finds: [['old-rows', 1, FILE]],
    toIndex: 0,
  },
  'a vector is lost': {
    damage: async ({ chunks, vectors }) => {
      const [row] = await rowsOf(chunks, `${OF_FILE} AND ordinal = 0`);
      await vectors.delete(`id = '${row!.id}'`);
    },
    finds: [['missing-vectors', 1, FILE]],
    toIndex: 1,
  },
};

for (const [name, { damage, finds, toIndex }] of Object.entries(DAMAGES)) {
  test(`${name}: it is found, mended, and the next run brings back what was lost`, async (t) => {
    const root = await damaged(t, damage);
    await using index = await openIndex(root, { model });
    for (const repair of [false, true]) {
      const found = await index.verify({ repair });
      const expected = finds.map((find) => (find as unknown[])[1]);
      assert.deepEqual(
        kinds(found).map(([kind, count, path], i) => [
          kind,
          expected[i] === undefined ? undefined : count,
          path,
        ]),
        finds,
      );
      assert.equal(found.toIndex, repair ? toIndex : 0);
    }
    assert.deepEqual((await index.verify()).damage, []);
    await update(index);
    assert.deepEqual((await index.verify()).damage, []);
    assert.deepEqual(await exportIndex(root), await exportIndex(whole));
  });
}

test('a whole index is whole, and looking does not change it', async () => {
  const files = () =>
    readdirSync(join(whole, '.tidemark'), { recursive: true }).filter((f) => !/lock/.test(String(f)));
  const before = files();
  await using index = await openIndex(whole, { model });
  const found = await index.verify();
  const status = await index.status();
  assert.deepEqual(found, {
    files: 10,
    chunks: status.chunks,
    vectors: status.vectors,
    staleVectors: 0,
    damage: [],
    toIndex: 0,
  });
  assert.deepEqual(files(), before);
});

test('vectors of chunks that are gone are counted, and are no damage', async (t) => {
  const root = temporaryDirectory(t);
  cpSync(whole, root, { recursive: true });
  rmSync(join(root, FILE));
  await using index = await openIndex(root, { model });
  await update(index);
  const { damage, staleVectors } = await index.verify();
  assert.deepEqual(damage, []);
  assert.ok(staleVectors > 10);
});

test('the command line tells what is wrong, with an exit code, and how to go on', async (t) => {
  const root = await damaged(t, ({ chunks }) => chunks.delete(`${OF_FILE} AND ordinal = 3`));
  const broken = await runCli(['status', '--verify', root]);
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /^damage {4}1 files that lack chunks: commander\/lib\/command\.js$/m);
  assert.match(
    broken.stderr,
    /^tidemark: the index at \S+ is damaged; mend it with the same command and --repair\n$/,
  );
  const mended = await runCli(['status', '--repair', '--json', root]);
  assert.equal(mended.code, 3);
  const { verify } = JSON.parse(mended.stdout) as { verify: Record<string, unknown> };
  assert.deepEqual(
    { ...verify, files: 0, chunks: 0, vectors: 0, staleVectors: 0 },
    {
      whole: false,
      files: 0,
      chunks: 0,
      vectors: 0,
      staleVectors: 0,
      damage: [{ kind: 'missing-chunks', count: 1, paths: [FILE] }],
      repaired: true,
      toIndex: 1,
    },
  );
  assert.match(mended.stderr, /^tidemark: 1 files have to be indexed again; run: tidemark index\n$/);
  assert.equal((await runCli(['index', '--no-embed', root])).code, 0);
  const whole = await runCli(['status', '--verify', root]);
  assert.equal(whole.code, 0);
  assert.match(whole.stdout, /^damage {4}none$/m);
});

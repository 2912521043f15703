import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryBudget } from '../../src/memory/budget.ts';
import { Governor } from '../../src/memory/governor.ts';
import { runLexicalLane } from '../../src/pipeline/lexical-lane.ts';
import { SummaryBuilder } from '../../src/pipeline/summary.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { seeded } from '../support/chunking.ts';
import { EditedTree } from '../support/edits.ts';
import { functionText, moduleText, writeOld } from '../support/fixtures.ts';
import { exportIndex, finished, startIndexing, write } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

type Versions = Map<string, string>;

/** All that an index holds of each file. */
async function versionsOf(dir: string): Promise<Versions> {
  const { files, chunks } = await exportIndex(dir);
  const versions: Versions = new Map();
  for (const line of [...files, ...chunks]) {
    const path = line.split(' ', 1)[0]!;
    versions.set(path, `${versions.get(path) ?? ''}${line}\n`);
  }
  return versions;
}

/** Each file must be as it is in one of the two. */
function assertOldOrNew(now: Versions, [before, after]: readonly [Versions, Versions], what: string): void {
  for (const path of new Set([...now.keys(), ...before.keys(), ...after.keys()])) {
    const found = now.get(path);
    assert.ok(
      found === before.get(path) || found === after.get(path),
      `${what}: ${path} is a mix:\n${found}`,
    );
  }
}

/** No answer may hold two rows of one chunk. */
async function assertNoDuplicates(store: Store, term: string): Promise<void> {
  const hits = await store.searchLexical({ terms: [term] }, {}, 1000);
  assert.ok(hits.length > 0);
  assert.equal(new Set(hits.map(({ row }) => `${row.path} ${row.ordinal}`)).size, hits.length);
}

/** The smallest commits, and a large file whose chunks fill more than one of them. */
const MEMORY = '300MB';
const FUNCTIONS = 800;
const ROUNDS = 4;

const WRITES = ['addChunks', 'addFiles', 'deleteChunksBySeq', 'deleteChunkRuns', 'deleteFilesByRev'];

/** The store of a writer that dies after so many writes: nothing that comes later does anything. */
function dying(store: Store, writes: number): Store {
  let left = writes;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (!WRITES.includes(String(name))) return value.bind(target);
      return async (...args: unknown[]) => {
        if (left-- <= 0) throw new Error('dead');
        return value.apply(target, args);
      };
    },
  });
}

/** Brings the index in `dir` up to date with the tree; false where the writer died on the way. */
async function run(root: string, dir: string, writes = Number.POSITIVE_INFINITY): Promise<boolean> {
  await using store = await openStore(join(dir, '.tidemark'), { create: true, mode: 'write' });
  using governor = new Governor({ budgetBytes: 4e9, onStep: () => {} });
  const lane = runLexicalLane({
    root,
    exclude: [],
    store: dying(store, writes),
    outdated: false,
    inFlight: new MemoryBudget(50e6),
    governor,
    // So little that each file is a commit of its own, and a large one is written in parts.
    flushBytes: 2500,
    parsers: 1,
    parserHeapBytes: 200e6,
    summary: new SummaryBuilder(),
    signal: new AbortController().signal,
  });
  try {
    for await (const _ of lane);
    return true;
  } catch (error) {
    assert.equal((error as Error).message, 'dead');
    return false;
  }
}

test('a writer that dies between any two writes leaves each file old or new, and the next run repairs it', async (t) => {
  const base = temporaryDirectory(t);
  const [root, index] = [join(base, 'tree'), (name: string) => join(base, name)];
  const functions = Array.from({ length: 30 }, (_, i) => functionText(`step${i}`, 'tide'));
  writeOld(root, 'a-gone.ts', moduleText(['open', 'close'], 'tide'));
  write(root, 'b-edited.ts', functions.join('\n'));
  write(root, 'c-cut.ts', functions.join('\n'));
  write(root, 'd-emptied.ts', functions.slice(0, 3).join('\n'));
  await run(root, index('before'));
  const before = await versionsOf(index('before'));

  write(
    root,
    'b-edited.ts',
    functions.toSpliced(20, 1).with(4, functions[4]!.replace('Works', 'Plays')).join('\n'),
  );
  write(root, 'c-cut.ts', functions.slice(0, 11).join('\n'));
  write(root, 'd-emptied.ts', '');
  write(root, 'e-new.ts', moduleText(['begin'], 'tide'));
  cpSync(join(root, 'a-gone.ts'), join(base, 'kept.ts'), { preserveTimestamps: true });
  await run(root, index('restored'));
  const restored = await versionsOf(index('restored'));
  rmSync(join(root, 'a-gone.ts'));
  await run(root, index('after'));
  const after = await versionsOf(index('after'));
  assert.equal(before.get('a-gone.ts'), restored.get('a-gone.ts'));

  let deaths = 0;
  for (let done = false; !done; deaths++) {
    const dir = index(`death-${deaths}`);
    cpSync(index('before'), dir, { recursive: true });
    done = await run(root, dir, deaths);
    const what = `after ${deaths} writes`;
    assertOldOrNew(await versionsOf(dir), [before, after], what);
    {
      await using reader = await openStore(join(dir, '.tidemark'), { create: false, mode: 'read' });
      await assertNoDuplicates(reader, 'tide');
    }
    if (deaths % 2 === 0) {
      // What was removed comes back as if it had never been away, and goes again.
      cpSync(join(base, 'kept.ts'), join(root, 'a-gone.ts'), { preserveTimestamps: true });
      await run(root, dir);
      assert.deepEqual(await versionsOf(dir), restored, what);
      rmSync(join(root, 'a-gone.ts'));
    }
    await run(root, dir);
    assert.deepEqual(await versionsOf(dir), after, what);
    await using store = await openStore(join(dir, '.tidemark'), { create: false, mode: 'write' });
    const chunks = (await store.counts()).chunks;
    assert.equal(chunks, (await exportIndex(dir)).chunks.length, `${what}: rows that no file names`);
    rmSync(dir, { recursive: true });
  }
  assert.ok(deaths > 10, `${deaths} deaths`);
});

/** Commits that the tables have seen. */
function commits(dir: string): number {
  let count = 0;
  for (const tables of readdirSync(dir).filter((name) => name.startsWith('tables-'))) {
    for (const name of ['files', 'chunks'])
      count += readdirSync(join(dir, tables, `${name}.lance/_versions`)).length;
  }
  return count;
}

test('kill -9 while edited files are written leaves each old or new, and the next run repairs it', async (t) => {
  const base = temporaryDirectory(t);
  const start = (root: string) => startIndexing(root, ['--no-embed', '--memory', MEMORY]);
  const [root, calm] = [join(base, 'tree'), join(base, 'calm')];
  const random = seeded(7);
  const tree = new EditedTree(root, random);
  const large = (n: number) =>
    moduleText(
      Array.from({ length: FUNCTIONS }, (_, i) => `step${i}of${n}`),
      'tide',
    );
  for (let n = 0; n < 2; n++) write(root, `large${n}.ts`, large(n));
  const freshly = async (): Promise<Versions> => {
    rmSync(calm, { recursive: true, force: true });
    cpSync(root, calm, { recursive: true, filter: (path) => !path.endsWith('.tidemark') });
    await finished(start(calm));
    return versionsOf(calm);
  };
  await finished(start(root));
  let before = await versionsOf(root);
  let killed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const changes = [tree.change(), tree.change()].flat().join('; ');
    for (let n = 0; n < 2; n++) {
      const names = Array.from(
        { length: FUNCTIONS },
        (_, i) => `step${i === round * 125 ? 'changed' : i}of${n}`,
      );
      write(root, `large${n}.ts`, moduleText(names, 'tide'));
    }
    appendFileSync(join(root, 'large0.ts'), functionText(`last${round}`, 'tide'));
    const after = await freshly();
    const seen = commits(join(root, '.tidemark'));
    const child = start(root);
    const exit = once(child, 'exit');
    while (child.exitCode === null && commits(join(root, '.tidemark')) < seen + 1 + round) await sleep(1);
    await sleep(random() * 20);
    child.kill('SIGKILL');
    if ((await exit)[1] === 'SIGKILL') killed++;
    assertOldOrNew(await versionsOf(root), [before, after], changes);
    {
      await using reader = await openStore(join(root, '.tidemark'), { create: false, mode: 'read' });
      await assertNoDuplicates(reader, 'tide');
    }
    await finished(start(root));
    assert.deepEqual(await versionsOf(root), after, changes);
    before = after;
  }
  assert.ok(killed >= ROUNDS - 1, `only ${killed} runs were under way when they were killed`);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SearchMode } from '../../src/search/search.ts';
import { openIndex } from '../../src/tidemark-index.ts';
import { seeded } from '../support/chunking.ts';
import {
  childPids,
  copySources,
  exportIndex,
  finished,
  startIndexing,
  until,
} from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const KILLS = 100;
/** After so many kills in a row a run may end, and has to be complete. */
const KILLS_A_RUN = 10;
/** Of so many starts at the most: a run that ends before its kill came has to be started again. */
const STARTS = 3 * KILLS;
const MODES: readonly SearchMode[] = ['hybrid', 'lexical', 'semantic'];
const QUERIES = [
  'parse command line options',
  'finish writeValue',
  'how are null values of a column counted',
];

/** Cuts the last third of some files off and repeats the head of others: a day's work. */
function edit(root: string, random: () => number): void {
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(root, entry);
    if (entry.startsWith('.tidemark') || !statSync(path).isFile() || random() < 0.7) continue;
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      random() < 0.5 ? text.slice(0, (text.length * 2) / 3) : text + text.slice(0, text.length / 3),
    );
  }
}

async function searches(root: string, model: string): Promise<unknown[]> {
  await using index = await openIndex(root, { model });
  const found: unknown[] = [];
  for (const query of QUERIES) {
    for (const mode of MODES) {
      const { hits, coverage } = await index.search(query, { mode });
      assert.ok(hits.length > 0, `${mode}: ${query}`);
      found.push({ query, mode, coverage, hits });
    }
  }
  return found;
}

function alive(pid: number): boolean {
  try {
    // A zombie has no command line any more.
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}

/** What is there after a kill: it opens, and finds nothing but whole files. */
async function looksWhole(root: string): Promise<void> {
  if (!existsSync(join(root, '.tidemark/meta.json'))) return;
  await using index = await openIndex(root);
  const { hits } = await index.search('value', { mode: 'lexical' });
  const files = new Map<string, number>();
  for await (const { path, chunks } of index.files()) files.set(path, chunks);
  for (const { path } of hits) assert.ok(files.get(path)! > 0, `${path} is found and not listed`);
  const { damage } = await index.verify();
  // What a kill leaves is there to be swept: it does not count, and nobody sees it.
  for (const { kind } of damage) assert.ok(kind === 'orphans' || kind === 'old-rows', kind);
}

test('an index that was killed a hundred times on its way equals one that never was', async (t) => {
  const base = temporaryDirectory(t);
  const model = join(base, 'model');
  mkdirSync(model);
  writeTinyModel(model);
  const start = (root: string) => startIndexing(root, ['--model', model]);
  const [killed, calm] = [join(base, 'killed'), join(base, 'calm')];
  copySources(killed, { 'apache-arrow/builder': 12, 'apache-arrow/fb': 8, 'commander/lib': 5 }, 1800);
  cpSync(killed, calm, { recursive: true });

  const started = performance.now();
  const reference = await finished(start(calm));
  const duration = performance.now() - started;
  assert.equal(reference.chunks.pending, 0);

  const random = seeded(20);
  let kills = 0;
  let starts = 0;
  // The kill comes within the time that the last run took which ended: how fast the machine is changes on the way.
  let within = duration;
  for (let run = 0; run < KILLS / KILLS_A_RUN; run++) {
    // Half of the runs begin with nothing, the others with a whole index and a changed tree.
    if (run % 2 === 0) {
      rmSync(join(killed, '.tidemark'), { recursive: true, force: true });
      within = duration;
    } else edit(killed, random);
    while (kills < (run + 1) * KILLS_A_RUN) {
      assert.ok(starts++ < STARTS, `${kills} of ${STARTS} runs were under way when they were to be killed`);
      const began = performance.now();
      const child = start(killed);
      const exit = once(child, 'exit');
      await Promise.race([sleep(random() * within), exit]);
      const below = child.exitCode === null ? childPids(child.pid) : [];
      child.kill('SIGKILL');
      const [, signal] = await exit;
      if (signal === 'SIGKILL') kills++;
      else within = performance.now() - began;
      await until(() => !below.some(alive));
      await looksWhole(killed);
    }
    const { chunks, files } = await finished(start(killed));
    assert.deepEqual([chunks.pending, chunks.failed, files.skipped], [0, 0, {}]);
  }
  t.diagnostic(`${KILLS} kills of ${starts} runs`);

  await using index = await openIndex(killed, { model });
  assert.deepEqual((await index.verify()).damage, []);
  rmSync(calm, { recursive: true });
  cpSync(killed, calm, { recursive: true, filter: (path) => !path.endsWith('.tidemark') });
  await finished(start(calm));
  assert.deepEqual(await exportIndex(killed), await exportIndex(calm));
  assert.deepEqual(await searches(killed, model), await searches(calm, model));
});

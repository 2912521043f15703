import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertError, resultOf, runCli, runJson, startCli, write } from '../support/cli-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

const CHUNKS = 80;
const STOPPED = /^tidemark: stopped; what is done is kept, the same command goes on from here\n$/;

function isHeld(index: string): boolean {
  const locks = existsSync(join(index, 'lock')) ? readdirSync(join(index, 'lock')) : [];
  const last = locks
    .filter((name) => name.endsWith('.json'))
    .sort()
    .at(-1);
  return last !== undefined && readFileSync(join(index, 'lock', last), 'utf8').includes('"released":false');
}

/** Waits until a writer is at work on an index that has a model; the test's time limit ends it otherwise. */
async function embedding(index: string): Promise<void> {
  const meta = join(index, 'meta.json');
  while (!isHeld(index) || !existsSync(meta) || JSON.parse(readFileSync(meta, 'utf8')).model === null)
    await sleep(5);
}

/** What an index holds, whatever its history. */
async function contents(...target: string[]): Promise<unknown> {
  const [{ files, chunks, vectors, coverage }] = await runJson(['status', ...target]);
  const [{ hits }] = await runJson(['search', 'number 70 of the list', ...target]);
  return { files, chunks, vectors, coverage, hits, listed: await runJson(['files', ...target]) };
}

test('stopped in any way, an index goes on from there and ends as any other', {
  timeout: 180_000,
}, async (t) => {
  const root = temporaryDirectory(t);
  const tree = join(root, 'tree');
  for (let i = 0; i < CHUNKS; i++) {
    const words = `number ${i} of the list, ${(i * 7919) % 1000} ${'steps from the harbour '.repeat(1 + (i % 7))}`;
    write(tree, `part-${i % 10}/file-${i}.py`, `def task_${i}():\n    return "${words}"\n`);
  }
  const index = join(tree, '.tidemark');
  const pending: number[] = [];
  const stopped = async (stop: (pid: number) => void): Promise<void> => {
    const child = startCli(['index', tree, '--json'], { detached: true });
    const result = resultOf(child);
    await embedding(index);
    stop(child.pid!);
    const { code, stdout, stderr } = await result;
    assert.equal(stdout, '');
    assert.match(stderr, STOPPED);
    assert.equal(code, child.signalCode === 'SIGKILL' ? null : 1);
    assert.ok(!isHeld(index));
    const [{ chunks, coverage }] = await runJson(['status', tree]);
    pending.push(Math.round(chunks * (1 - coverage)));
  };

  await stopped((pid) => process.kill(pid, 'SIGINT'));
  assert.ok(pending[0]! > 0);
  // As a terminal does it.
  await stopped((pid) => process.kill(-pid, 'SIGINT'));
  // A parent that is killed takes the work with it.
  await stopped((pid) => process.kill(pid, 'SIGKILL'));
  // Nothing that was done is lost.
  assert.ok(pending[1]! <= pending[0]! && pending[2]! <= pending[1]!);

  const last = startCli(['index', tree, '--json'], { detached: true });
  const finished = resultOf(last);
  await embedding(index);
  // It waits here, so that it is at work for certain when the others start.
  process.kill(-last.pid!, 'SIGSTOP');
  const busy = /another tidemark \(pid \d+\) is indexing .*wait for it or stop it/;
  assertError(await runCli(['index', tree, '--json']), 1, busy);
  assertError(await runCli(['clean', tree]), 1, busy);
  process.kill(-last.pid!, 'SIGCONT');
  assert.equal((await finished).code, 0);

  const [{ files, chunks }] = await runJson(['index', tree]);
  assert.equal(files.unchanged, CHUNKS);
  assert.deepEqual(chunks, { written: 0, embedded: 0, reused: 0, pending: 0, failed: 0 });
  const other = join(root, 'undisturbed');
  await runJson(['index', tree, '--index', other]);
  assert.deepEqual(await contents(tree), await contents(tree, '--index', other));
});

import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { acquireLock } from '../../src/store/lock.ts';
import { temporaryDir } from '../support/store-rows.ts';

const CHILD = fileURLToPath(new URL('./children/lock-taker.ts', import.meta.url));

interface Taker {
  child: ChildProcessWithoutNullStreams;
  /** The next line it prints. */
  line(): Promise<string>;
}

async function startTaker(t: TestContext, dir: string): Promise<Taker> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir]);
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const taker = { child, line: async () => String((await lines.next()).value) };
  assert.equal(await taker.line(), 'ready');
  return taker;
}

const holderOf = async (dir: string): Promise<{ file: string; holder: Record<string, unknown> }> => {
  const last = (await readdir(path.join(dir, 'lock'))).filter((name) => name.endsWith('.json')).sort();
  const file = path.join(dir, 'lock', last.at(-1)!);
  return { file, holder: JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown> };
};

test('a second taker is refused until the first releases', async (t) => {
  const dir = await temporaryDir(t);
  const first = await acquireLock(dir);
  await assert.rejects(acquireLock(dir), {
    code: 'ERR_TIDEMARK_INDEX_BUSY',
    message: `another tidemark (pid ${process.pid}) is indexing ${dir}; wait for it or stop it`,
  });
  await first.release();
  await first.release();
  {
    await using _second = await acquireLock(dir);
    await assert.rejects(acquireLock(dir), { code: 'ERR_TIDEMARK_INDEX_BUSY' });
  }
  for (let i = 0; i < 20; i++) await (await acquireLock(dir)).release();
  assert.ok((await readdir(path.join(dir, 'lock'))).length <= 2);
});

test('a killed holder is taken over at once, and of takers that race exactly one wins', async (t) => {
  const dir = await temporaryDir(t);
  let holder = await startTaker(t, dir);
  holder.child.stdin.write('go\n');
  assert.equal(await holder.line(), `won ${holder.child.pid}`);
  for (let round = 0; round < 3; round++) {
    const takers = await Promise.all([1, 2, 3, 4].map(() => startTaker(t, dir)));
    holder.child.kill('SIGKILL');
    await once(holder.child, 'exit');
    for (const taker of takers) taker.child.stdin.write('go\n');
    const answers = await Promise.all(takers.map((taker) => taker.line()));
    const winners = takers.filter((taker, i) => answers[i] === `won ${taker.child.pid}`);
    assert.equal(winners.length, 1, answers.join(', '));
    assert.equal(answers.filter((answer) => answer === 'ERR_TIDEMARK_INDEX_BUSY').length, 3);
    holder = winners[0]!;
    await assert.rejects(acquireLock(dir), { code: 'ERR_TIDEMARK_INDEX_BUSY', pid: holder.child.pid });
  }
  holder.child.stdin.end();
  await once(holder.child, 'exit');
  await (await acquireLock(dir)).release();
});

test('takers in one process race the same way', async (t) => {
  const dir = await temporaryDir(t);
  for (let round = 0; round < 20; round++) {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(dir)));
    const won = results.filter((result) => result.status === 'fulfilled');
    assert.equal(won.length, 1);
    for (const { value } of won) await value.release();
  }
});

test('a pid that was given to another process does not hold the lock', async (t) => {
  const dir = await temporaryDir(t);
  await using held = await acquireLock(dir);
  const { file, holder } = await holderOf(dir);
  if (holder.startTime === null) return t.skip('needs /proc');
  await writeFile(file, JSON.stringify({ ...holder, startTime: '1' }));
  await (await acquireLock(dir)).release();
  assert.ok(held);
});

test('a holder on another host counts while its file is touched', async (t) => {
  const dir = await temporaryDir(t);
  await (await acquireLock(dir)).release();
  const { file, holder } = await holderOf(dir);
  await writeFile(file, JSON.stringify({ ...holder, host: 'elsewhere', released: false }));
  await assert.rejects(acquireLock(dir), { code: 'ERR_TIDEMARK_INDEX_BUSY', message: /on elsewhere/ });
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(file, longAgo, longAgo);
  await (await acquireLock(dir)).release();
});

test('a lock file that a crash of the machine cut short is free', async (t) => {
  const dir = await temporaryDir(t);
  await mkdir(path.join(dir, 'lock'));
  await writeFile(path.join(dir, 'lock', '0000000007.json'), '{"pid":');
  await (await acquireLock(dir)).release();
  assert.equal(path.basename((await holderOf(dir)).file), '0000000008.json');
});

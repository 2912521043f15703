import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Summary } from '../../src/pipeline/summary.ts';
import { type CliResult, resultOf, startCli } from '../support/cli-runs.ts';
import { copySources } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { BUCKET, startObjectStore } from '../support/object-store.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const LIMIT = { timeout: 300_000 };
const run = (env: Record<string, string>, ...args: string[]): Promise<CliResult> =>
  resultOf(startCli(args, { env }));

function ok({ code, stdout, stderr }: CliResult): string {
  assert.equal(code, 0, stderr);
  return stdout;
}

test('an index in an object store is written, searched, updated, verified and removed', LIMIT, async (t) => {
  const env = await startObjectStore(t, { conditional: true });
  const [tree, model] = [temporaryDirectory(t), temporaryDirectory(t)];
  copySources(tree, { 'commander/lib': 4 });
  writeTinyModel(model);
  const place = ['--index', `s3://${BUCKET}/team/index/`, '--model', model];
  const none = await run(env, 'search', 'option', tree, ...place);
  assert.equal(none.code, 1);
  assert.match(
    none.stderr,
    /^tidemark: no index at s3:\/\/bucket\/team\/index; run: tidemark index --index s3:/,
  );

  const first = JSON.parse(ok(await run(env, 'index', tree, '--json', ...place))) as Summary;
  assert.deepEqual([first.files.indexed, first.chunks.pending], [4, 0]);
  const found = ok(await run(env, 'search', 'option', tree, '--json', ...place));
  const { hits, coverage } = JSON.parse(found) as { hits: { path: string }[]; coverage: number };
  assert.ok(coverage === 1 && hits.length > 5 && hits.some(({ path }) => path === 'commander/lib/help.js'));

  rmSync(join(tree, 'commander/lib/help.js'));
  const second = JSON.parse(ok(await run(env, 'index', tree, '--json', ...place))) as Summary;
  assert.deepEqual([second.files.removed, second.files.unchanged], [1, 3]);
  const listed = ok(await run(env, 'files', tree, ...place))
    .trim()
    .split('\n');
  assert.equal(listed.length, 3);
  const status = ok(await run(env, 'status', '--verify', '--json', tree, ...place));
  assert.deepEqual(JSON.parse(status).verify.damage, []);
  ok(await run(env, 'clean', tree, ...place));
  assert.equal((await run(env, 'status', tree, ...place)).code, 1);
});

test('of several writers at once one writes, the others are told, and nothing is lost', LIMIT, async (t) => {
  const env = await startObjectStore(t, { conditional: true });
  const tree = temporaryDirectory(t);
  copySources(tree, { 'commander/lib': 4 });
  const args = ['index', tree, '--no-embed', '--json', '--index', `s3://${BUCKET}/many`];
  const results = await Promise.all(Array.from({ length: 3 }, () => run(env, ...args)));
  assert.ok(
    results.some(({ code }) => code === 0),
    results[0]!.stderr,
  );
  for (const { code, stderr } of results)
    if (code !== 0)
      assert.match(stderr, /^tidemark: another tidemark \(pid \d+\) is indexing s3:\/\/bucket\/many; /);

  // One that is killed lets the next one in at once.
  const killed = startCli(args, { env });
  setTimeout(() => killed.kill('SIGKILL'), 1500);
  await resultOf(killed);
  const { files } = JSON.parse(ok(await run(env, ...args))) as Summary;
  assert.equal(files.seen, 4);
  const status = ok(await run(env, 'status', '--verify', '--json', tree, '--index', `s3://${BUCKET}/many`));
  const { verify } = JSON.parse(status) as { verify: { files: number; damage: unknown[] } };
  assert.deepEqual([verify.files, verify.damage], [4, []]);
});

test(
  'a store without conditional PUT is found out and refused, but for a single writer',
  LIMIT,
  async (t) => {
    const env = await startObjectStore(t, { conditional: false });
    const tree = temporaryDirectory(t);
    copySources(tree, { 'commander/lib': 2 });
    const args = ['index', tree, '--no-embed', '--json', '--index', `s3://${BUCKET}/plain`];
    const refused = await run(env, ...args);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /has no conditional PUT, so two writers at once would lose rows; .*TIDEMARK_SINGLE_WRITER=1/,
    );
    const { files } = JSON.parse(ok(await run({ ...env, TIDEMARK_SINGLE_WRITER: '1' }, ...args))) as Summary;
    assert.equal(files.indexed, 2);
  },
);

test('what an object store refuses is one line that says what to do', LIMIT, async (t) => {
  const env = await startObjectStore(t, { conditional: true });
  const tree = temporaryDirectory(t);
  copySources(tree, { 'commander/lib': 1 });
  const index = (bucket: string, more: Record<string, string>) =>
    run({ ...env, ...more }, 'index', tree, '--no-embed', '--index', `s3://${bucket}/x`);
  for (const [result, line] of [
    [
      await index(BUCKET, { AWS_ACCESS_KEY_ID: 'nobody' }),
      /refused the credentials; check those in the environment/,
    ],
    [await index('nobody', {}), /has no such bucket; create it first/],
    [
      await index(BUCKET, { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }),
      /does not answer; check the network and the address/,
    ],
  ] as const) {
    assert.equal(result.code, 1, result.stderr);
    assert.match(result.stderr, line);
    assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
  }
});

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { sendStatus } from '../support/hub-server.ts';
import { embed, ID, setUp } from '../support/hub-setup.ts';

const SECRET = 'hf_do_not_tell_anyone';

test('the token goes to the hub and nowhere else, least of all into an error', async (context) => {
  const { server, cacheDir } = await setUp(context);
  server.token = SECRET;
  await assert.rejects(embed({ model: ID, cacheDir }), {
    code: 'ERR_TIDEMARK_MODEL_NOT_FOUND',
    message:
      /no directory someone\/tiny here, and no model of that name at http:.*for a private model, set HF_TOKEN/,
  });
  const home = process.env.HF_HOME!;
  writeFileSync(join(home, 'token'), `${SECRET}\n`);
  await embed({ model: ID, cacheDir });
  assert.ok(server.requests(/signature/).length > 0);
  for (const { path, headers } of server.requests(/signature/)) {
    assert.equal(headers.authorization, undefined, path);
  }
  rmSync(join(home, 'token'));
  process.env.HF_TOKEN = SECRET;
  const faults = [
    sendStatus(403, { 'x-error-code': 'GatedRepo' }),
    sendStatus(401),
    sendStatus(404, { 'x-error-code': 'RevisionNotFound' }),
    sendStatus(418),
  ];
  const messages: string[] = [];
  for (const fault of faults) {
    server.hubFaults.push(fault);
    const error: Error = await embed({ model: 'someone/gated', cacheDir }).then(
      () => assert.fail('it was not refused'),
      (reason) => reason,
    );
    messages.push(error.message);
    assert.equal(inspect(error, { depth: 10 }).includes(SECRET), false);
  }
  assert.match(messages[0]!, /accept its terms at http:.*\/someone\/gated/);
  assert.match(messages[1]!, /Check HF_TOKEN/);
  assert.match(messages[2]!, /no revision main/);
  assert.match(messages[3]!, /answered 418/);
});

test('a mirror below a path, with lists that tell no sizes, serves as well', async (context) => {
  const { server, commit, cacheDir } = await setUp(context, { prefix: '/mirror/of/hub', bareLists: true });
  assert.equal((await embed({ model: ID, cacheDir })).id, `${ID}@${commit}`);
  assert.ok(server.requests(/^\/mirror\/of\/hub\//).some(({ method }) => method === 'HEAD'));
  server.forget();
  assert.equal((await embed({ model: `${ID}@${commit}`, cacheDir })).id, `${ID}@${commit}`);
  assert.equal(server.seen.length, 0);
});

test('a server that is no hub, and an address that is none, are named', async (context) => {
  const { server, cacheDir } = await setUp(context);
  const answers = ['<html>', '{"sha":"../../etc","siblings":[]}', '[]'];
  for (const answer of answers) {
    server.hubFaults.push((_, response) => {
      response.end(answer);
      return true;
    });
    await assert.rejects(embed({ model: ID, cacheDir }), {
      code: 'ERR_TIDEMARK_MODEL_DOWNLOAD',
      message: /does not answer as a model hub does/,
    });
  }
  for (const endpoint of ['huggingface', 'ftp://host', 'https://me:secret@host']) {
    process.env.HF_ENDPOINT = endpoint;
    await assert.rejects(embed({ model: ID, cacheDir }), (error: Error) => {
      assert.match(error.message, /^HF_ENDPOINT is not the address/);
      assert.equal(error.message.includes('secret'), false);
      return true;
    });
  }
});

test("what the hub's own tools have downloaded is used where it lies", async (context) => {
  const { server, model, commit, cacheDir } = await setUp(context);
  const shared = join(process.env.HF_HOME!, 'hub', 'models--someone--tiny');
  cpSync(model, join(shared, 'snapshots', commit), { recursive: true });
  mkdirSync(join(shared, 'refs'));
  writeFileSync(join(shared, 'refs', 'main'), commit);
  for (const offline of [false, true]) {
    assert.equal((await embed({ model: ID, cacheDir, offline })).id, `${ID}@${commit}`);
  }
  assert.equal(server.requests(/resolve|signature/).length, 0);
});

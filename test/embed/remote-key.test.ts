import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ApiKey } from '../../src/embed/remote/api-key.ts';
import { RemoteEmbedder } from '../../src/embed/remote/remote-embedder.ts';
import { parseTarget } from '../../src/embed/remote/target.ts';
import { assertError, runCli, runCliInTurn, writeSmallTree } from '../support/cli-runs.ts';
import { EmbeddingServer, type Fault, reply, SERVED_MODEL } from '../support/embedding-server.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

const KEY = 'sk-tide+mark/0123456789abcdef=';
const WRONG = 'sk-wrong+key/fedcba9876543210=';

/** Sets variables for one test. */
function setEnv(context: { after(hook: () => void): void }, values: Record<string, string>): void {
  const saved = { ...process.env };
  context.after(() => {
    process.env = saved;
  });
  Object.assign(process.env, values);
}

function assertHidden(value: unknown): void {
  const shown = typeof value === 'string' ? value : inspect(value, { depth: 20, showHidden: true });
  for (const key of [KEY, WRONG]) {
    assert.ok(!shown.includes(key) && !shown.includes(encodeURIComponent(key)), shown);
    assert.ok(!shown.includes(key.slice(0, 16)), shown);
  }
}

test('the key of the environment is sent to the server, and nothing shows it', async (context) => {
  setEnv(context, { TIDEMARK_API_KEY: KEY, OPENAI_API_KEY: WRONG });
  const server = await EmbeddingServer.start(context, { key: KEY });
  for (const model of [server.url, `ollama+${server.url}`, `${server.url}/v1`]) {
    const events: unknown[] = [];
    await using embedder = new RemoteEmbedder({
      model,
      backoffMs: 5,
      tries: 2,
      onEvent: (event) => events.push(event),
    });
    await embedder.start();
    assert.equal(server.received.at(-1)!.authorization, `Bearer ${KEY}`);
    assertHidden(embedder);
    // Servers that repeat what they were sent, in whatever answer.
    const echoes: Fault[] = [400, 404, 418, 429, 500, 503].map(
      (status) => (_, response) =>
        reply(response, status, { error: { message: `Bearer ${KEY} ${encodeURIComponent(KEY)}` } }),
    );
    echoes.push((_, response) => response.writeHead(302, { location: `http://${KEY}@example.com` }).end());
    echoes.push((_, response) => response.end(KEY));
    echoes.push((_, response) => response.socket!.end(`HTTP/1.1 ${KEY}\r\n\r\n`));
    for (const echo of echoes) {
      server.faults.push(echo, echo, echo);
      const outcome = await embedder.embed(['x']).catch((error: unknown) => error);
      server.faults.length = 0;
      assertHidden(outcome);
    }
    assert.ok(events.length > 3);
    assertHidden(events);
  }
});

test('without a key, or with a wrong one: one line that names the variable', async (context) => {
  const server = await EmbeddingServer.start(context, { key: KEY });
  const start = async (model: string): Promise<Error> => {
    await using embedder = new RemoteEmbedder({ model });
    const outcome = await embedder.start().catch((error: unknown) => error);
    assert.ok(outcome instanceof Error);
    return outcome;
  };
  setEnv(context, {});
  delete process.env.TIDEMARK_API_KEY;
  delete process.env.OPENAI_API_KEY;
  assert.match((await start(server.url)).message, /asks for a key \(401\); set TIDEMARK_API_KEY\.$/);
  assert.match((await start(`${server.url}/v1#m`)).message, /set TIDEMARK_API_KEY or OPENAI_API_KEY\.$/);
  process.env.OPENAI_API_KEY = WRONG;
  const error = await start(`${server.url}/v1#m`);
  assert.match(error.message, /does not accept the key in OPENAI_API_KEY \(401\)/);
  assert.equal((error as Error & { code: string }).code, 'ERR_TIDEMARK_REMOTE_KEY');
  assertHidden(error);
  // To a server of another kind the key of OpenAI is not sent.
  assert.match((await start(`tei+${server.url}`)).message, /asks for a key/);
  process.env.TIDEMARK_API_KEY = WRONG;
  assert.match((await start(`tei+${server.url}`)).message, /the key in TIDEMARK_API_KEY/);
  const before = server.received.length;
  assert.equal(before, 0, 'no text was embedded');
});

test('a key goes to the host of the address alone, and no redirect is followed', async (context) => {
  setEnv(context, { TIDEMARK_API_KEY: KEY });
  const elsewhere = await EmbeddingServer.start(context);
  const server = await EmbeddingServer.start(context);
  server.faults.push((_, response) =>
    response.writeHead(307, { location: `${elsewhere.url}/embed?x=1` }).end(),
  );
  await using embedder = new RemoteEmbedder({ model: server.url });
  await assert.rejects(embedder.start(), { message: new RegExp(`redirect.*${elsewhere.url} itself`) });
  assert.deepEqual(elsewhere.log, []);
});

test("OpenAI's key is not sent in the clear to another machine", () => {
  const env = { OPENAI_API_KEY: KEY };
  const variable = (model: string, kind: 'openai' | 'tei' | null = 'openai') =>
    ApiKey.fromEnvironment(parseTarget(model), kind, env)?.variable;
  assert.equal(variable('https://api.openai.com/v1#m'), 'OPENAI_API_KEY');
  assert.equal(variable('http://127.0.0.1:8000/v1#m'), 'OPENAI_API_KEY');
  assert.equal(variable('http://[::1]:8000/v1#m'), 'OPENAI_API_KEY');
  assert.equal(variable('http://models.example/v1#m'), undefined);
  assert.equal(variable('http://127.0.0.1.example/v1#m'), undefined);
  assert.equal(variable('https://api.openai.com/v1#m', 'tei'), undefined);
  assert.equal(variable('https://api.openai.com/v1#m', null), undefined);
  assert.throws(
    () => ApiKey.fromEnvironment(parseTarget('https://x#m'), 'tei', { TIDEMARK_API_KEY: 'a\nb' }),
    {
      code: 'ERR_TIDEMARK_MODEL_URL',
      message: /TIDEMARK_API_KEY holds characters/,
    },
  );
});

test('the command line indexes and searches through a server, and its key is nowhere', async (context) => {
  const root = join(temporaryDirectory(context), 'tree');
  mkdirSync(root);
  writeSmallTree(root);
  const server = await EmbeddingServer.start(context, { key: KEY });
  const env = { TIDEMARK_API_KEY: KEY, OPENAI_API_KEY: '' };
  server.faults.push(null, null, (_, response) => reply(response, 500, { error: KEY }));
  const indexed = await runCli(['index', root, '--json', '--memory', '310MB', '--model', server.url], {
    env,
  });
  assert.equal(indexed.code, 0, indexed.stderr);
  const summary = JSON.parse(indexed.stdout);
  assert.deepEqual(summary.embedder, { model: `remote/${SERVED_MODEL}`, device: 'remote', dimensions: 384 });
  assert.deepEqual([summary.chunks.pending, summary.chunks.failed], [0, 0]);
  assert.ok(summary.degraded.some(({ step }: { step: string }) => step === 'server-retried'));

  const search = (query: string, model: string) => ['search', '--json', query, root, '--model', model];
  const inTurn = await runCliInTurn(
    [
      // The same model behind another API is the same model.
      search('how heavy is it', `openai+${server.url}#${SERVED_MODEL}`),
      search('weight', `ollama+${server.url}#all-minilm`),
      ['index', root, '--model', `http://${KEY}@localhost#m`],
    ],
    { env },
  );
  const [found, other, bad] = inTurn;
  assert.equal(found!.code, 0, found!.stderr);
  assert.ok(
    JSON.parse(found!.stdout)
      .hits.slice(0, 3)
      .some(({ path }: { path: string }) => path === 'src/scale.rs'),
  );
  assertError(other!, 1, /remote\/all-minilm:latest/);
  assertError(bad!, 2, /must not hold a user name or password/);
  const wrong = await runCli(['index', root, '--model', server.url], {
    env: { ...env, TIDEMARK_API_KEY: WRONG, TIDEMARK_DEBUG: '1' },
  });
  assert.match(wrong.stderr, /does not accept the key in TIDEMARK_API_KEY.*\n.*RemoteKeyError/);
  assert.equal(wrong.code, 1);

  for (const { stdout, stderr } of [indexed, ...inTurn, wrong]) assertHidden(stdout + stderr);
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) assertHidden(readFileSync(join(parentPath, name), 'latin1'));
});

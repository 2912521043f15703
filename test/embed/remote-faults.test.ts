import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { RemoteEmbedder, type RemoteEvent } from '../../src/embed/remote/remote-embedder.ts';
import { EmbeddingServer, type Fault, localVectors, reply } from '../support/embedding-server.ts';
import { largestDifference } from '../support/vectors.ts';

const TEXTS = Array.from({ length: 12 }, (_, i) => `class Parcel${i} { weigh() { return ${i}; } }`);

// So that the server answers at once, however slow this machine is just now.
before(() => localVectors([...TEXTS, 'tidemark']));

const answer =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): Fault =>
  (_, response) =>
    reply(response, status, body, headers);

/** What a server gives that has its own ideas about some of the vectors. */
const vectors =
  (change: (vectors: (number | null)[][]) => unknown[]): Fault =>
  async ({ texts }, response) => {
    const rows = (await localVectors(texts)).map((vector) => [...vector]);
    reply(response, 200, { embeddings: change(rows) });
  };

/** An embedder that is ready, with one connection, and what it tells. */
async function ready(url: string, options: { timeoutMs?: number; tries?: number } = {}) {
  const events: RemoteEvent[] = [];
  const embedder = new RemoteEmbedder({
    model: `ollama+${url}`,
    connections: 1,
    backoffMs: 20,
    ...options,
    onEvent: (event) => events.push(event),
  });
  await embedder.start();
  return { embedder, events };
}

async function assertWhole(embedder: RemoteEmbedder, texts = TEXTS): Promise<void> {
  const { vectors, failed } = await embedder.embed(texts);
  assert.deepEqual(failed, []);
  const expected = Float32Array.from((await localVectors(texts)).flatMap((vector) => [...vector]));
  assert.ok(largestDifference(vectors, expected) < 1e-6);
}

for (const [name, fault] of Object.entries<Fault>({
  'status 500': answer(500, { error: 'cuda has a bad day' }),
  'status 502 with a page': (_, response) => response.writeHead(502).end('<html>bad gateway</html>'),
  'status 503 without a time': answer(503),
  'a reset before the answer': (_, response) => response.destroy(),
  'a reset in the middle of the body': async (_, response) => {
    response.writeHead(200, { 'content-length': '100000' });
    response.write('{"embeddings":[[0.1,');
    setTimeout(() => response.destroy(), 20);
  },
  'an answer that ends too early': (_, response) => response.end('{"embeddings":[[0.1,'),
  'an answer that is not JSON': (_, response) => response.end('<html>hello</html>'),
  'too few vectors': vectors((rows) => rows.slice(1)),
  'too many vectors': vectors((rows) => [...rows, ...rows]),
  'no vectors': answer(200, { result: 'ok' }),
  'a stall before the answer': () => {},
  'a stall in the middle of the body': (_, response) => response.write('{"embeddings":'),
})) {
  test(`${name}: asked again, and then it is whole`, async (context) => {
    const server = await EmbeddingServer.start(context, { kinds: ['ollama'] });
    const { embedder, events } = await ready(
      server.url,
      name.startsWith('a stall') ? { timeoutMs: 1000 } : {},
    );
    await using _ = embedder;
    server.faults.push(fault, fault);
    await assertWhole(embedder);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['retried', 'retried'],
    );
    assert.equal(server.received.length, 4);
  });
}

test('Retry-After is waited for, by every connection', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['tei'] });
  const date = () => new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000);
  for (const fault of [
    answer(429, { error: 'Model is overloaded' }, { 'retry-after': '1' }),
    ((_, response) => reply(response, 503, {}, { 'retry-after': date().toUTCString() })) as Fault,
  ]) {
    const texts = Array.from({ length: 100 }, (_, i) => `${TEXTS[i % 12]}`);
    await using embedder = new RemoteEmbedder({ model: server.url, backoffMs: 1 });
    await embedder.start();
    server.received.length = 0;
    server.faults.push(fault);
    await assertWhole(embedder, texts);
    const times = server.received.map(({ time }) => time);
    const [first] = times;
    // What was under way with it has gone out at the same time; all the rest waited.
    assert.ok(times.slice(1, 4).every((time) => time < first! + 900 || time >= first! + 990));
    assert.ok(times.at(-1)! - first! >= 990, `${times}`);
    assert.equal(times.length, 5);
  }
});

test('asked to wait for an hour it gives up at once', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['ollama'] });
  const { embedder } = await ready(server.url);
  await using _ = embedder;
  server.faults.push(answer(429, { error: 'slow down' }, { 'retry-after': '3600' }));
  await assert.rejects(embedder.embed(TEXTS), { code: 'ERR_TIDEMARK_REMOTE', message: /429: slow down/ });
  assert.equal(embedder.state, 'failed');
  await assertWhole(embedder);
  assert.equal(embedder.state, 'ready');
});

test('a server that stays busy ends the run after so many tries', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['ollama'] });
  const { embedder, events } = await ready(server.url, { tries: 4 });
  await using _ = embedder;
  server.faults.push(...Array<Fault>(4).fill(answer(503)));
  await assert.rejects(embedder.embed(TEXTS), { code: 'ERR_TIDEMARK_REMOTE', message: /503.*later/ });
  const waits = events.map((event) => (event.type === 'retried' ? event.waitMs : 0));
  assert.equal(waits.length, 3);
  for (const [at, wait] of waits.entries())
    assert.ok(wait >= 10 * 2 ** at && wait <= 20 * 2 ** at, `${waits}`);
});

for (const [status, message] of [
  [404, /model gone.*--model/],
  [405, /--model/],
  [402, /402: model gone/],
] as const) {
  test(`status ${status} ends the run at once`, async (context) => {
    const server = await EmbeddingServer.start(context, { kinds: ['ollama'] });
    const { embedder } = await ready(server.url);
    await using _ = embedder;
    server.faults.push(answer(status, { error: 'model gone' }));
    await assert.rejects(embedder.embed(TEXTS), { code: 'ERR_TIDEMARK_REMOTE', message });
    assert.equal(server.received.length, 2);
  });
}

test('vectors that cannot be stored are texts that failed', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['ollama'] });
  const { embedder } = await ready(server.url);
  await using _ = embedder;
  server.faults.push(
    vectors((rows) => {
      rows[1]![7] = null;
      rows[3]!.fill(0);
      rows[4]!.pop();
      const odd: unknown[] = rows;
      odd[6] = 'no vector';
      odd[8] = null;
      return odd;
    }),
  );
  const { vectors: all, failed, pieces } = await embedder.embed(TEXTS);
  assert.deepEqual(
    failed.map(({ index }) => index),
    [1, 3, 4, 6, 8],
  );
  assert.match(failed[0]!.reason, /not finite/);
  assert.match(failed[2]!.reason, /383 dimensions instead of 384/);
  const expected = await localVectors(TEXTS);
  for (const [at, vector] of expected.entries()) {
    const found = all.subarray(at * 384, (at + 1) * 384);
    const bad = failed.some(({ index }) => index === at);
    assert.equal(pieces[at], bad ? 0 : 1);
    if (bad) assert.ok(found.every(Number.isNaN));
    else assert.ok(largestDifference(found, vector) < 1e-6);
  }
});

test('a text that the server cannot take fails alone', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['ollama'] });
  const { embedder } = await ready(server.url, { tries: 2 });
  await using _ = embedder;
  // As Ollama does where the model gives no number.
  const fault: Fault = ({ texts }, response) =>
    texts.includes(TEXTS[5]!) ? reply(response, 500, { error: 'unsupported value: NaN' }) : false;
  server.faults.push(...Array<Fault>(40).fill(fault));
  const { failed } = await embedder.embed(TEXTS);
  assert.deepEqual(failed, [{ index: 5, reason: 'unsupported value: NaN' }]);
});

test('where every text fails embedding stops', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['ollama'] });
  const { embedder } = await ready(server.url);
  await using _ = embedder;
  server.faults.push(...Array<Fault>(200).fill(vectors((rows) => rows.map((row) => row.map(() => null)))));
  const texts = Array.from({ length: 64 }, (_, i) => `${TEXTS[i % 12]}`);
  await assert.rejects(embedder.embed(texts), {
    code: 'ERR_TIDEMARK_REMOTE',
    message: /32 texts in a row.*finite/,
  });
});

test('an answer without an end is not read', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['ollama'] });
  const { embedder } = await ready(server.url);
  await using _ = embedder;
  let sent = 0;
  server.faults.push((_, response) => {
    const part = Buffer.alloc(64 * 1024, ' ');
    const more = (): void => {
      while (!response.destroyed && response.write(part)) sent += part.length;
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  await assert.rejects(embedder.embed(TEXTS.slice(0, 2)), { message: /more than \d+ bytes/ });
  assert.ok(sent < 32e6, `${sent}`);
});

test('the wrong address, the wrong model: one line that says what to do', async (context) => {
  const ollama = await EmbeddingServer.start(context, { kinds: ['ollama'] });
  const other = await EmbeddingServer.start(context, { kinds: [] });
  const gone = new EmbeddingServer({});
  await gone.listen(0);
  const { url } = gone;
  await gone.stop();
  for (const [model, code, message] of [
    [url, 'ERR_TIDEMARK_REMOTE', /cannot be reached: .*ECONNREFUSED.*Start the server/],
    ['http://no-such-host.invalid#m', 'ERR_TIDEMARK_REMOTE', /cannot be reached/],
    [other.url, 'ERR_TIDEMARK_REMOTE', /none of the servers.*\/info 404/],
    [`${ollama.url}#no-such-model`, 'ERR_TIDEMARK_MODEL_NOT_FOUND', /ollama pull no-such-model/],
    [`openai+${ollama.url}#m`, 'ERR_TIDEMARK_REMOTE', /\/v1\/embeddings answers 404.*--model/],
    [`tei+${ollama.url}`, 'ERR_TIDEMARK_REMOTE', /\/info answers 404/],
  ] as const) {
    await using embedder = new RemoteEmbedder({ model, backoffMs: 20 });
    await assert.rejects(embedder.start(), (error: Error & { code: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n'));
      return true;
    });
    assert.equal(embedder.state, 'failed');
  }
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { RemoteEmbedder } from '../../src/embed/remote/remote-embedder.ts';
import { EmbeddingServer, type Fault, localVectors } from '../support/embedding-server.ts';
import { largestDifference } from '../support/vectors.ts';

const TEXTS = Array.from({ length: 256 }, (_, i) => `let parcel${i % 16} = weigh(${i % 16});`);

before(() => localVectors([...TEXTS, 'tidemark']));

async function assertWhole(embedder: RemoteEmbedder, texts: readonly string[] = TEXTS): Promise<void> {
  const { vectors } = await embedder.embed(texts);
  const expected = Float32Array.from((await localVectors(texts)).flatMap((vector) => [...vector]));
  assert.ok(largestDifference(vectors, expected) < 1e-6);
}

/** Leaves the request to the server after a while. */
const slow =
  (milliseconds: number): Fault =>
  async () => {
    await setTimeout(milliseconds);
    return false;
  };

test('starts at the same time share one load; states follow one another', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['tei'] });
  const embedder = new RemoteEmbedder({ model: server.url });
  assert.equal(embedder.state, 'idle');
  const starts = [embedder.start(), embedder.start(), embedder.embed(['x'])];
  assert.equal(embedder.state, 'loading');
  await Promise.all(starts);
  assert.equal(embedder.state, 'ready');
  assert.equal(
    server.log.filter((line) => line === 'GET /info').length,
    2,
    'to find out, and for its limits',
  );
  await Promise.all([embedder.dispose(), embedder.dispose()]);
  assert.equal(embedder.state, 'disposed');
  for (const use of [() => embedder.start(), () => embedder.embed(['x'])]) {
    await assert.rejects(use, { code: 'ERR_TIDEMARK_EMBEDDER_DISPOSED' });
  }
});

test('never more requests at a time than there may be, over all calls', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['tei'], maxTexts: 8 });
  for (const [options, most] of [
    [{ connections: 3 }, 3],
    [{ connections: 1 }, 1],
    // Room for one answer at a time, and not for two.
    [{ connections: 4, inFlightBytes: 150_000 }, 1],
  ] as const) {
    await using embedder = new RemoteEmbedder({ model: server.url, ...options });
    await embedder.start();
    server.mostAtOnce = 0;
    server.faults.push(...Array<Fault>(12).fill(slow(20)));
    await Promise.all([assertWhole(embedder), assertWhole(embedder), assertWhole(embedder, ['one query'])]);
    assert.equal(server.mostAtOnce, most);
  }
});

test('a query does not wait for all that is being indexed', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['tei'], maxTexts: 4 });
  await using embedder = new RemoteEmbedder({ model: server.url, connections: 2 });
  await embedder.start();
  const indexing = assertWhole(embedder);
  await setTimeout(10);
  await assertWhole(embedder, ['one query']);
  assert.ok(server.received.length < 40, `${server.received.length}`);
  await indexing;
  assert.equal(server.received.length, 66);
});

test('an abort ends the requests under way, rejects with its reason and leaves the embedder ready', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['tei'] });
  await using embedder = new RemoteEmbedder({ model: server.url });
  await embedder.start();
  const controller = new AbortController();
  const closed: Promise<unknown>[] = [];
  server.faults.push(
    ...Array<Fault>(4).fill((_, response) => {
      closed.push(once(response, 'close'));
    }),
  );
  const run = embedder.embed(TEXTS, { signal: controller.signal });
  while (closed.length < 4) await setTimeout(5);
  const reason = new Error('enough');
  controller.abort(reason);
  await assert.rejects(run, reason);
  await Promise.all(closed);
  await assert.rejects(embedder.embed(TEXTS, { signal: controller.signal }), reason);
  assert.equal(embedder.state, 'ready');
  await assertWhole(embedder);
});

test('an abort ends the wait before another try', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['tei'] });
  await using embedder = new RemoteEmbedder({ model: server.url });
  await embedder.start();
  server.faults.push((_, response) => response.writeHead(503, { 'retry-after': '60' }).end());
  const signal = AbortSignal.timeout(300);
  await assert.rejects(embedder.embed(['x'], { signal }), { name: 'TimeoutError' });
});

test('dispose waits for requests under way; what has not begun rejects', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['tei'], maxTexts: 16 });
  const embedder = new RemoteEmbedder({ model: server.url, connections: 1 });
  await embedder.start();
  server.faults.push(slow(200));
  const short = assertWhole(embedder, ['x']);
  const long = assert.rejects(embedder.embed(TEXTS), { code: 'ERR_TIDEMARK_EMBEDDER_DISPOSED' });
  await setTimeout(50);
  await embedder.dispose();
  await Promise.all([short, long]);
  assert.equal(server.received.length, 2);
});

test('dispose during a load ends it at once, and a server that stalls does not hold it up', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['tei'] });
  const stalled: Fault = () => {};
  server.faults.push(stalled);
  const loading = new RemoteEmbedder({ model: server.url });
  const start = assert.rejects(loading.start(), { code: 'ERR_TIDEMARK_EMBEDDER_DISPOSED' });
  while (server.received.length === 0) await setTimeout(5);
  await loading.dispose();
  await start;

  const running = new RemoteEmbedder({ model: server.url });
  await running.start();
  server.faults.push(stalled);
  const run = assert.rejects(running.embed(['x']), { code: 'ERR_TIDEMARK_EMBEDDER_DISPOSED' });
  while (server.received.length < 3) await setTimeout(5);
  const started = performance.now();
  await running.dispose();
  await run;
  assert.ok(performance.now() - started < 10_000);
});

test('a server that goes away and comes back is waited for; one that stays away ends the run', async (context) => {
  const server = new EmbeddingServer({ kinds: ['tei'] });
  context.after(() => server.stop());
  await server.listen(0);
  const { port, url } = server;
  await using embedder = new RemoteEmbedder({ model: url, backoffMs: 200, tries: 5 });
  await embedder.start();
  await server.stop();
  const run = assertWhole(embedder);
  await setTimeout(150);
  await server.listen(port);
  await run;
  await server.stop();
  await using impatient = new RemoteEmbedder({ model: url, backoffMs: 10, tries: 3 });
  await assert.rejects(impatient.start(), { code: 'ERR_TIDEMARK_REMOTE', message: /ECONNREFUSED/ });
  await server.listen(port);
  await assertWhole(impatient);
  await server.stop();
  await assert.rejects(impatient.embed(['x']), { code: 'ERR_TIDEMARK_REMOTE', message: /ECONNREFUSED/ });
  assert.equal(impatient.state, 'failed');
  await server.listen(port);
  await assertWhole(impatient);
});

test('the proxy of the environment is used', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['tei'] });
  const tunnels: string[] = [];
  const proxy = createServer().on(
    'connect',
    (request: ReturnType<typeof httpRequest> & { url: string }, socket) => {
      tunnels.push(request.url);
      const upstream = connect(server.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    },
  );
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const saved = { ...process.env };
  context.after(() => {
    process.env = saved;
    proxy.closeAllConnections();
    proxy.close();
  });
  process.env.http_proxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  process.env.no_proxy = '';
  await using embedder = new RemoteEmbedder({ model: 'http://models.example', connections: 2 });
  await assertWhole(embedder);
  assert.deepEqual(new Set(tunnels), new Set(['models.example:80']));
  assert.ok(tunnels.length <= 2, `${tunnels}`);
});

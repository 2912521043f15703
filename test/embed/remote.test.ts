import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RemoteEmbedder } from '../../src/embed/remote/remote-embedder.ts';
import { parseTarget } from '../../src/embed/remote/target.ts';
import { EmbeddingServer, localVectors, SERVED_MODEL } from '../support/embedding-server.ts';
import { cosine, largestDifference, row } from '../support/vectors.ts';

const TEXTS = Array.from(
  { length: 40 },
  (_, i) => `function step${i}(x) { return x * ${i} + 1; } // ${i % 3}`,
);

/** Asserts that the rows are the vectors of the texts, as they are computed here. */
export async function assertLocal(vectors: Float32Array, texts: readonly string[]): Promise<void> {
  const expected = await localVectors(texts);
  assert.equal(vectors.length, texts.length * 384);
  for (const [at, vector] of expected.entries()) {
    const difference = largestDifference(row(vectors, at, 384), vector);
    assert.ok(difference < 1e-6, `text ${at} differs by ${difference}`);
  }
}

for (const { name, model, kind, id, asked } of [
  {
    name: 'Text Embeddings Inference, found out',
    model: '',
    kind: 'tei',
    id: SERVED_MODEL,
    asked: ['GET /info'],
  },
  { name: 'Text Embeddings Inference, said', model: 'tei+', kind: 'tei', id: SERVED_MODEL, asked: [] },
  {
    name: 'Ollama, found out',
    model: '#all-minilm',
    kind: 'ollama',
    id: 'all-minilm:latest',
    asked: ['GET /info', 'GET /api/version'],
  },
  {
    name: 'Ollama, said',
    model: 'ollama+',
    kind: 'ollama',
    id: 'all-minilm:latest',
    asked: ['GET /api/tags'],
  },
  {
    name: "OpenAI's API, found out",
    model: `#${SERVED_MODEL}`,
    kind: 'openai',
    id: SERVED_MODEL,
    asked: ['GET /info', 'GET /api/version', 'GET /v1/models'],
  },
  {
    name: "OpenAI's API by its path",
    model: `/v1#${SERVED_MODEL}`,
    kind: 'openai',
    id: SERVED_MODEL,
    asked: [],
  },
  {
    name: "OpenAI's API, said",
    model: 'openai+',
    kind: 'openai',
    id: SERVED_MODEL,
    asked: ['GET /v1/models'],
  },
] as const) {
  test(`${name}: vectors are those of the model itself`, async (context) => {
    const server = await EmbeddingServer.start(context, { kinds: [kind] });
    const address = model.endsWith('+') ? model + server.url : server.url + model;
    await using embedder = new RemoteEmbedder({ model: address });
    const info = await embedder.start();
    assert.deepEqual(
      [info.id, info.device, info.dimensions, info.maxTokens],
      [`remote/${id}`, 'remote', 384, { tei: 256, ollama: 512, openai: null }[kind]],
    );
    assert.deepEqual(server.log.slice(0, asked.length), asked);
    const { vectors, failed, pieces, tokens } = await embedder.embed(TEXTS);
    assert.deepEqual(failed, []);
    assert.deepEqual(new Set(pieces), new Set([1]));
    assert.equal(tokens, { tei: 0, ollama: 200, openai: 280 }[kind]);
    await assertLocal(vectors, TEXTS);
    assert.ok(server.received.every((request) => request.texts.length <= 32));
    assert.equal(server.received[0]!.kind, kind);
    assert.equal((await embedder.embed([])).vectors.length, 0);
  });
}

test("the order is that of the indexes in OpenAI's answer", async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['openai'] });
  await using embedder = new RemoteEmbedder({ model: `${server.url}/v1` });
  await embedder.start();
  server.faults.push(async ({ texts }, response) => {
    const data = (await localVectors(texts)).map((vector, index) => ({ index, embedding: [...vector] }));
    response.end(JSON.stringify({ data: data.reverse() }));
  });
  await assertLocal((await embedder.embed(TEXTS.slice(0, 9))).vectors, TEXTS.slice(0, 9));
});

test('where base64 is not known, vectors come as numbers', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['openai'] });
  server.faults.push((_, response) => {
    response.writeHead(400).end('{"error":{"message":"unknown field encoding_format"}}');
  });
  await using embedder = new RemoteEmbedder({ model: `${server.url}/v1` });
  await assertLocal((await embedder.embed(TEXTS.slice(0, 3))).vectors, TEXTS.slice(0, 3));
  assert.deepEqual(
    server.received.map(({ body }) => body.encoding_format),
    ['base64', undefined, undefined],
  );
});

test('vectors that the server did not normalize are of length 1', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['ollama'] });
  await using embedder = new RemoteEmbedder({ model: server.url });
  await embedder.start();
  server.faults.push(async ({ texts }, response) => {
    const embeddings = (await localVectors(texts)).map((vector) => Array.from(vector, (x) => 20 * x));
    response.end(JSON.stringify({ embeddings }));
  });
  await assertLocal((await embedder.embed(TEXTS.slice(0, 3))).vectors, TEXTS.slice(0, 3));
});

test('a long text is embedded in parts: by the limit that the server tells, or after it was refused', async (context) => {
  const lines = Array.from({ length: 60 }, (_, i) => `const total${i} = add(left${i}, right${i});`);
  const long = lines.join('\n');
  const texts = ['first', long, 'last'];
  const told = await EmbeddingServer.start(context, { kinds: ['tei'], maxTokens: 256 });
  const refusing = await EmbeddingServer.start(context, { kinds: ['openai'], maxCharacters: 700 });
  for (const server of [told, refusing]) {
    await using embedder = new RemoteEmbedder({ model: server.url });
    await embedder.start();
    const { vectors, failed, pieces } = await embedder.embed(texts);
    assert.deepEqual(failed, []);
    assert.ok(pieces[1]! >= 3, `${pieces}`);
    const served = server.received.flatMap((request) => request.texts);
    const embedded = served.filter((text) => long.includes(text) && text.length <= 1000);
    // Cut between lines, and nothing is lost.
    assert.ok(embedded.every((part) => /^const .*;\n?$/s.test(part)));
    assert.equal(embedded.join(''), long);
    assert.equal(embedded.length, pieces[1]);
    const sum = new Float32Array(384);
    for (const [at, vector] of (await localVectors(embedded)).entries()) {
      for (let i = 0; i < 384; i++) sum[i]! += (vector[i]! * embedded[at]!.length) / long.length;
    }
    assert.ok(cosine(row(vectors, 1, 384), sum) > 0.999999);
    assert.ok(Math.abs(Math.hypot(...row(vectors, 1, 384)) - 1) < 1e-6);
    await assertLocal(row(vectors, 2, 384), ['last']);
  }
});

test('too large a batch is halved, and that is remembered', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['openai'], maxTexts: 9 });
  const reduced: number[] = [];
  await using embedder = new RemoteEmbedder({
    model: `${server.url}/v1`,
    connections: 1,
    onEvent: (event) => event.type === 'batch-reduced' && reduced.push(event.texts),
  });
  await assertLocal((await embedder.embed(TEXTS)).vectors, TEXTS);
  assert.deepEqual(reduced, [16, 8]);
  const before = server.received.length;
  await assertLocal((await embedder.embed(TEXTS)).vectors, TEXTS);
  assert.deepEqual(
    server.received.slice(before).map((request) => request.texts.length),
    [8, 8, 8, 8, 8],
  );
});

test('a batch is never larger than Text Embeddings Inference says', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['tei'], maxTexts: 7 });
  await using embedder = new RemoteEmbedder({ model: server.url });
  await assertLocal((await embedder.embed(TEXTS)).vectors, TEXTS);
  assert.equal(Math.max(...server.received.map((request) => request.texts.length)), 7);
});

test('dimensions are asked for, and an answer with others is refused', async (context) => {
  const server = await EmbeddingServer.start(context);
  for (const model of [`tei+${server.url}`, `ollama+${server.url}`, `openai+${server.url}`]) {
    await using embedder = new RemoteEmbedder({ model, dimensions: 128 });
    // This model is not one that can be cut, and the server gives all it has.
    await assert.rejects(embedder.start(), { code: 'ERR_TIDEMARK_MODEL_INVALID', message: /384 .* not 128/ });
    assert.equal(server.received.at(-1)!.body.dimensions, 128);
  }
});

test('models that want a prompt get it, for what is searched and what is found', async (context) => {
  const server = await EmbeddingServer.start(context, { kinds: ['openai'] });
  await using embedder = new RemoteEmbedder({ model: `${server.url}/v1#nomic-ai/nomic-embed-text-v1.5` });
  await embedder.embed(['sort a list'], { purpose: 'query' });
  await embedder.embed(['list.sort()']);
  const asked = server.received.map((request) => request.texts[0]);
  assert.deepEqual(asked.slice(1), ['search_query: sort a list', 'search_document: list.sort()']);
});

test('addresses', () => {
  const { kind, origin, path, model } = parseTarget('ollama+HTTP://LOCALHOST:11434/a/#hf.co/x/y%3Aq8');
  assert.deepEqual([kind, origin, path, model], ['ollama', 'http://localhost:11434', '/a', 'hf.co/x/y:q8']);
  for (const [model, path] of [
    ['https://api.example.com/v1/#m', '/v1'],
    ['https://api.example.com/v1/embeddings#m', '/v1'],
    ['openai+https://api.example.com#m', '/v1'],
    ['http://localhost:8080', ''],
    ['tei+http://localhost:8080/embed', ''],
    ['http://localhost/ollama/api/embed#m', '/ollama'],
  ] as const) {
    assert.equal(parseTarget(model).path, path, model);
  }
  for (const model of [
    'http://me:hunter2@localhost#m',
    'http://hunter2@localhost#m',
    'http://localhost?api_key=hunter2#m',
    'cohere+http://localhost#m',
    'http://hunter2:x:y#m',
  ]) {
    assert.throws(
      () => parseTarget(model),
      (error: Error & { code: string }) =>
        error.code === 'ERR_TIDEMARK_MODEL_URL' &&
        !error.stack!.includes('hunter2') &&
        error.cause === undefined,
    );
  }
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { HubClient, type HubTiming } from '../../src/embed/hub-client.ts';
import { downloadFile } from '../../src/embed/hub-download.ts';
import { sha256 } from '../../src/embed/sha256.ts';
import { HubServer, sendPart, sendStatus } from '../support/hub-server.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

const MEBI = 1 << 20;
const CONTENT = randomBytes(6 * MEBI);
const OTHER = randomBytes(6 * MEBI);
const ID = 'someone/model';
const FILE = 'onnx/model.onnx';
/** The client's clock ticks every half second. */
const TIMING: HubTiming = {
  connectMs: 2000,
  answerMs: 1000,
  silenceMs: 1000,
  attempts: 4,
  firstDelayMs: 5,
};

interface Setup {
  readonly server: HubServer;
  readonly path: string;
  readonly reasons: string[];
  /** Bytes that were reported, in order. */
  readonly progress: number[];
  download(options?: { signal?: AbortSignal; size?: number }): Promise<void>;
}

async function setUp(context: TestContext, content: Buffer = CONTENT): Promise<Setup> {
  const server = await HubServer.start(context);
  const commit = server.publish(ID, { [FILE]: content });
  const path = join(temporaryDirectory(context), FILE);
  const reasons: string[] = [];
  const progress: number[] = [];
  const settings = { endpoint: server.endpoint, offline: false, token: null, sharedCache: '' };
  const download = async ({ signal = new AbortController().signal, size = CONTENT.length } = {}) => {
    await using client = await HubClient.open(settings, TIMING);
    await downloadFile(client, {
      url: `${ID}/resolve/${commit}/${FILE}`,
      path,
      size,
      checksum: { algorithm: 'sha256', hex: sha256(CONTENT) },
      signal,
      onBytes: (bytes) => progress.push(bytes),
      onRetry: (reason) => reasons.push(reason),
    });
  };
  return { server, path, reasons, progress, download };
}

function ranges(server: HubServer): (string | undefined)[] {
  return server.requests(/signature/).map(({ headers }) => headers.range);
}

function assertWhole(path: string): void {
  assert.ok(readFileSync(path).equals(CONTENT));
  assert.equal(existsSync(`${path}.part`), false);
  assert.equal(existsSync(`${path}.part.etag`), false);
}

test('a connection that breaks again and again is taken up where it broke', async (context) => {
  const { server, path, reasons, progress, download } = await setUp(context);
  // More failures than are allowed in a row: each comes after progress.
  for (let i = 0; i < 5; i++) server.fileFaults.push(sendPart(CONTENT, MEBI, 'break'));
  await download();
  assertWhole(path);
  assert.equal(reasons.length, 5);
  const starts = ranges(server).map((range) => Number(/\d+/.exec(range ?? '0')?.[0]));
  assert.deepEqual(
    starts,
    [...starts].sort((a, b) => a - b),
  );
  // What lay between the connection and the file when it broke is lost, and no more.
  assert.ok(
    starts.every((start, at) => start >= at * MEBI - at * (256 << 10)),
    starts.join(' '),
  );
  assert.ok(server.requests(/signature/).every(({ headers }) => !headers.range || headers['if-range']));
  assert.equal(server.sentBytes, CONTENT.length - starts.at(-1)!);
  assert.equal(progress.at(-1), CONTENT.length);
});

test('an answer that ends early without saying so is taken up too', async (context) => {
  const { server, path, reasons, download } = await setUp(context);
  server.fileFaults.push(sendPart(CONTENT, 2 * MEBI, 'end'));
  await download();
  assertWhole(path);
  assert.match(reasons.join(), /ended after 2097152 of 6291456 bytes/);
  assert.deepEqual(ranges(server), [undefined, `bytes=${2 * MEBI}-`]);
});

test('a server that stalls in the middle or never answers is asked again', async (context) => {
  const { server, path, reasons, download } = await setUp(context);
  server.hubFaults.push(() => true);
  server.fileFaults.push(sendPart(CONTENT, MEBI, 'stall'));
  await download();
  assertWhole(path);
  assert.match(reasons.join(), /Headers Timeout.*Body Timeout/);
});

test('429 and 5xx are waited out, as long as the server asks', async (context) => {
  const { server, path, reasons, download } = await setUp(context);
  server.hubFaults.push(sendStatus(429, { 'retry-after': '1' }), sendStatus(503));
  server.fileFaults.push(sendStatus(500));
  const started = performance.now();
  await download();
  assertWhole(path);
  assert.ok(performance.now() - started >= 1000);
  assert.match(reasons.join(), / 429.* 503.* 500/);
});

test('a server that stays broken is given up, and what came is kept', async (context) => {
  const { server, path, reasons, download } = await setUp(context);
  server.fileFaults.push(sendPart(CONTENT, 1000, 'end'));
  server.hubFaults.push(() => false, ...Array.from({ length: 4 }, () => sendStatus(502)));
  await assert.rejects(download(), { message: /answered 502/ });
  assert.equal(reasons.length, TIMING.attempts - 1);
  assert.equal(existsSync(path), false);
  assert.equal(readFileSync(`${path}.part`).length, 1000);
  server.hubFaults.length = 0;
  await download();
  assertWhole(path);
  assert.equal(ranges(server).at(-1), 'bytes=1000-');
});

test('what will not get better is not tried again', async (context) => {
  const { server, reasons, download } = await setUp(context);
  for (const status of [401, 403, 404, 410]) {
    server.hubFaults.push(sendStatus(status));
    await assert.rejects(download(), { message: new RegExp(`answered ${status}`) });
  }
  server.hubFaults.push(sendStatus(302, { location: 'file:///etc/passwd' }));
  await assert.rejects(download(), { code: 'ERR_TIDEMARK_MODEL_DOWNLOAD', message: /redirects/ });
  assert.equal(reasons.length, 0);
});

test('wrong bytes once are fetched again; twice, and nothing gets the name of the file', async (context) => {
  const { server, path, reasons, download } = await setUp(context);
  server.fileFaults.push(sendPart(OTHER, OTHER.length, 'end'));
  await download();
  assertWhole(path);
  assert.match(reasons.join(), /not those of the file/);

  const bad = await setUp(context, OTHER);
  await assert.rejects(bad.download(), {
    code: 'ERR_TIDEMARK_MODEL_INTEGRITY',
    message: /someone\/model\/resolve.* twice with wrong content/,
  });
  assert.equal(existsSync(bad.path), false);
  assert.equal(bad.server.requests(/signature/).length, 2);
  // Too much is as wrong as too little, and is not read to its end.
  const long = await setUp(context, Buffer.concat([CONTENT, OTHER]));
  await assert.rejects(long.download(), { code: 'ERR_TIDEMARK_MODEL_INTEGRITY' });
  assert.ok(Math.max(...long.progress) <= CONTENT.length);
});

test('a beginning that belongs to something else is found out and thrown away', async (context) => {
  const { server, path, download } = await setUp(context);
  // Of another version, as its ETag tells.
  await assert.rejects(async () => {
    server.fileFaults.push(sendPart(OTHER, MEBI, 'end'), sendStatus(404));
    await download();
  });
  await download();
  assertWhole(path);
  assert.deepEqual(ranges(server).slice(-1), [`bytes=${MEBI}-`]);
  assert.equal(server.sentBytes, CONTENT.length);
  // Without an ETag the hash tells, once it is whole; then it comes anew.
  for (const beginning of [OTHER.subarray(0, MEBI), OTHER, Buffer.concat([OTHER, OTHER])]) {
    const next = await setUp(context);
    await assert.rejects(next.download({ signal: AbortSignal.abort() }));
    writeFileSync(`${next.path}.part`, beginning);
    await next.download();
    assertWhole(next.path);
  }
});

test('a server without ranges, one that sends another one, and one that refuses it, all come right', async (context) => {
  const { server, path, reasons, download } = await setUp(context);
  server.fileFaults.push(
    sendPart(CONTENT, MEBI, 'break'),
    (_, response) => {
      response.writeHead(206, { 'content-range': `bytes 5-9/${CONTENT.length}` });
      response.end('wrong');
      return true;
    },
    sendPart(CONTENT, MEBI, 'break'),
    sendStatus(416),
    sendPart(CONTENT, MEBI, 'break'),
    (_, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.end(CONTENT);
      return true;
    },
  );
  await download();
  assertWhole(path);
  assert.match(reasons.join(), /another part of the file.*no such part of the file/);
});

test('an abort ends it at once with the reason, and the next time goes on from there', async (context) => {
  const { server, path, download } = await setUp(context);
  server.fileFaults.push(sendPart(CONTENT, 2 * MEBI, 'stall'));
  const controller = new AbortController();
  const rejected = assert.rejects(download({ signal: controller.signal }), /enough of it/);
  while (!existsSync(`${path}.part`) || readFileSync(`${path}.part`).length < 2 * MEBI) await setTimeout(10);
  const started = performance.now();
  controller.abort(new Error('enough of it'));
  await rejected;
  assert.ok(performance.now() - started < 500);
  await download();
  assertWhole(path);
  assert.deepEqual(ranges(server), [undefined, `bytes=${2 * MEBI}-`]);
});

test('an empty file needs no request for its content', async (context) => {
  const { server, path, download } = await setUp(context);
  await assert.rejects(download({ size: 0 }), { code: 'ERR_TIDEMARK_MODEL_INTEGRITY' });
  assert.equal(server.seen.length, 0);
  assert.equal(existsSync(path), false);
});

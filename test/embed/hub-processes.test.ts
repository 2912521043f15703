import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ensureHubModel } from '../../src/embed/hub-model.ts';
import { sha256 } from '../../src/embed/sha256.ts';
import { HubServer, sendPart } from '../support/hub-server.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const ID = 'someone/tiny';
const MEBI = 1 << 20;
const DOWNLOAD = fileURLToPath(new URL('../support/download-once.ts', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../support/hub-once.ts', import.meta.url));

/** The tiny model with weights beside it that nobody reads, to have something to download. */
async function publish(
  context: TestContext,
): Promise<{ server: HubServer; weights: Buffer; commit: string }> {
  const server = await HubServer.start(context);
  const directory = temporaryDirectory(context);
  writeTinyModel(directory);
  const weights = randomBytes(4 * MEBI);
  writeFileSync(join(directory, 'model.onnx_data'), weights);
  return { server, weights, commit: server.publish(ID, directory) };
}

interface Program {
  readonly child: ChildProcess;
  /** The next line that it prints; undefined at its end. */
  line(): Promise<string | undefined>;
}

function start(
  context: TestContext,
  server: HubServer,
  cache: string,
  env: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM, ID, cache], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, HF_ENDPOINT: server.endpoint, HF_HOME: cache, HF_HUB_OFFLINE: '', ...env },
  });
  context.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return { child, line: async () => (await lines.next()).value };
}

const HASH = /^[0-9a-f]{64}$/;

function partOf(cache: string, commit: string): string {
  return join(cache, 'tidemark', 'hub', ID, commit, 'model.onnx_data.part');
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(10);
}

test('of two processes at once one downloads, and the other waits for it', async (context) => {
  const { server, weights } = await publish(context);
  const cache = temporaryDirectory(context);
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  server.fileFaults.push(
    () => false,
    async () => {
      await held;
      return false;
    },
  );
  const programs = [start(context, server, cache), start(context, server, cache)];
  const first = await Promise.all(programs.map((program) => program.line()));
  assert.deepEqual(first.sort(), ['another process downloads it', 'downloading']);
  release();
  const second = await Promise.all(programs.map((program) => program.line()));
  assert.match(second[0]!, HASH);
  assert.equal(second[0], second[1]);
  assert.equal(server.requests(/signature/).length, 3);
  assert.ok(server.sentBytes < 1.5 * weights.length);
});

test('a process that is killed leaves what it has to the one that waits for it', async (context) => {
  const { server, weights, commit } = await publish(context);
  const cache = temporaryDirectory(context);
  server.fileFaults.push(() => false, sendPart(weights, 3 * MEBI, 'stall'));
  const killed = start(context, server, cache);
  assert.equal(await killed.line(), 'downloading');
  const part = partOf(cache, commit);
  await until(() => existsSync(part) && statSync(part).size === 3 * MEBI);
  const waiting = start(context, server, cache);
  assert.equal(await waiting.line(), 'another process downloads it');
  killed.child.kill('SIGKILL');
  await once(killed.child, 'exit');
  assert.equal(await waiting.line(), 'downloading');
  assert.match((await waiting.line())!, HASH);
  const last = server.requests(/onnx_data\?/).at(-1)!;
  assert.equal(last.headers.range, `bytes=${3 * MEBI}-`);
  assert.ok(last.headers['if-range']);
  const snapshot = join(cache, 'tidemark', 'hub', ID, commit);
  assert.deepEqual(readdirSync(snapshot).sort(), [
    'config.json',
    'model.onnx',
    'model.onnx_data',
    'tokenizer.json',
  ]);
  assert.ok(readFileSync(join(snapshot, 'model.onnx_data')).equals(weights));
});

test('a disk without room is told before, one that gets full on the way keeps what came', async (context) => {
  const { server, weights, commit } = await publish(context);
  const cacheRoot = temporaryDirectory(context);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', cacheRoot], { stdio: 'ignore' });
  } catch {
    return context.skip('mounting a small tmpfs is not permitted here');
  }
  try {
    const choice = { dtype: null, dimensions: null, cacheRoot, device: 'cpu', offline: false } as const;
    const ensure = () =>
      ensureHubModel(ID, null, choice, {
        signal: new AbortController().signal,
        emit: () => {},
        settings: { endpoint: server.endpoint, offline: false, token: null, sharedCache: '' },
      });
    const ballast = join(cacheRoot, 'ballast');
    writeFileSync(ballast, Buffer.alloc(3 * MEBI));
    await assert.rejects(ensure(), {
      code: 'ERR_TIDEMARK_MODEL_CACHE',
      message: /has [\d.]+ MB left, and someone\/tiny takes 4\.\d+ MB.*TIDEMARK_CACHE/,
    });
    assert.equal(server.requests(/resolve/).length, 0);
    rmSync(ballast);
    server.fileFaults.push(
      () => false,
      () => {
        writeFileSync(ballast, Buffer.alloc(4 * MEBI));
        return false;
      },
    );
    await assert.rejects(ensure(), { code: 'ERR_TIDEMARK_MODEL_CACHE', message: /ENOSPC.*TIDEMARK_CACHE/ });
    const kept = statSync(partOf(cacheRoot, commit)).size;
    assert.ok(kept > MEBI, `${kept}`);
    rmSync(ballast);
    const { directory } = await ensure();
    assert.ok(readFileSync(join(directory, 'model.onnx_data')).equals(weights));
    assert.equal(server.requests(/onnx_data\?/).at(-1)!.headers.range, `bytes=${kept}-`);
  } finally {
    execFileSync('umount', ['-l', cacheRoot]);
  }
});

test('the proxy that the environment names is used, but for those hosts that it excepts', async (context) => {
  const { server } = await publish(context);
  const asked: string[] = [];
  const proxy = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    asked.push(`${request.method} ${request.url}`);
    const answer = await fetch(request.url!, {
      redirect: 'manual',
      headers: request.headers.range ? { range: request.headers.range } : {},
    });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const { port } = proxy.address() as AddressInfo;
    // Something that does not speak TLS, so that it ends here.
    const wrong = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    wrong
      .on('error', () => {})
      .pipe(socket.on('error', () => {}))
      .pipe(wrong);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  context.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const all = { HTTP_PROXY: address, HTTPS_PROXY: address, http_proxy: address, https_proxy: address };
  const through = start(context, server, temporaryDirectory(context), { ...all, NO_PROXY: '', no_proxy: '' });
  assert.equal(await through.line(), 'downloading');
  assert.match((await through.line())!, HASH);
  assert.ok(
    asked.includes(`GET ${server.endpoint}/api/models/${ID}/revision/main?blobs=true`),
    asked.join('\n'),
  );
  assert.ok(asked.some((line) => line.startsWith(`GET ${server.filesOrigin}/`)));

  asked.length = 0;
  const past = start(context, server, temporaryDirectory(context), {
    ...all,
    NO_PROXY: '127.0.0.1',
    no_proxy: '127.0.0.1',
  });
  assert.equal(await past.line(), 'downloading');
  assert.match((await past.line())!, HASH);
  assert.deepEqual(asked, []);

  const secure = start(context, server, temporaryDirectory(context), {
    ...all,
    NO_PROXY: '',
    no_proxy: '',
    HF_ENDPOINT: 'https://models.example',
  });
  await until(() => asked.length > 0);
  secure.child.kill('SIGKILL');
  assert.deepEqual(asked.slice(0, 1), ['CONNECT models.example:443']);
});

test('the memory of a download does not depend on the size of the file', async (context) => {
  const server = await HubServer.start(context);
  const block = randomBytes(MEBI);
  const large = (mebibytes: number) => Buffer.concat(Array.from({ length: mebibytes }, () => block));
  const content = { 'a.onnx': large(8), 'b.onnx': large(160) };
  const commit = server.publish(ID, content);
  const files = Object.entries(content).map(([name, bytes]) => ({
    url: `${ID}/resolve/${commit}/${name}`,
    size: bytes.length,
    sha256: sha256(bytes),
  }));
  const path = join(temporaryDirectory(context), 'file');
  const child = spawn(
    process.execPath,
    [...process.execArgv, DOWNLOAD, server.endpoint, JSON.stringify(files), path],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [small = 0, full = 0] = (await text(child.stdout)).trim().split('\n').map(Number);
  assert.equal(statSync(path).size, 160 * MEBI);
  context.diagnostic(`resident: ${small >> 20} MiB with 8 MiB, ${full >> 20} MiB with 160 MiB`);
  assert.ok(full - small < 24 * MEBI, `${small} and then ${full} bytes`);
});

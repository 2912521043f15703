import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ensureBundledModel } from '../../src/embed/bundled-model.ts';
import { Embedder, type EmbedderEvent } from '../../src/embed/embedder.ts';
import { embedderPids, until } from '../support/index-runs.ts';
import { sharedCache } from '../support/model-dirs.ts';

const program = fileURLToPath(new URL('../support/embed-once.ts', import.meta.url));
const TEXTS = Array.from(
  { length: 80 },
  (_, index) => `function step${index}(x) { return x * ${index} + 1; }`,
);

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  while (alive(pid)) await setTimeout(20);
}

/** An embedder over the shared cache, its events, and the process ids that they named. */
function create(options: {
  processes?: number;
  maxChildRssBytes?: number;
  observe?: (event: EmbedderEvent) => void;
}) {
  const events: EmbedderEvent[] = [];
  const embedder = new Embedder({
    cacheDir: sharedCache,
    processes: options.processes,
    maxChildRssBytes: options.maxChildRssBytes,
    onEvent: (event) => {
      events.push(event);
      options.observe?.(event);
    },
  });
  const count = (type: EmbedderEvent['type']) => events.filter((event) => event.type === type).length;
  return { embedder, events, count };
}

async function expectedVectors(): Promise<Float32Array> {
  await using embedder = new Embedder({ cacheDir: sharedCache });
  return (await embedder.embed(TEXTS)).vectors;
}

test('a process that dies while it loads does not take the others with it', async (t) => {
  if (process.platform !== 'linux') return t.skip('children are found under /proc');
  const { embedder, count } = create({ processes: 2 });
  await using _ = embedder;
  const started = embedder.start();
  // The second one starts when the first has loaded.
  await until(() => count('loaded') === 1 && embedderPids().length === 2);
  process.kill(embedderPids()[1]!, 'SIGKILL');
  assert.equal((await started).device, 'cpu');
  assert.equal(count('loaded'), 1);
  assert.deepEqual((await embedder.embed(TEXTS)).vectors, await expectedVectors());
});

test('starts at the same time share one load; states follow one another', async () => {
  const { embedder, count } = create({});
  assert.equal(embedder.state, 'idle');
  const starts = [embedder.start(), embedder.start(), embedder.embed(['x'])];
  assert.equal(embedder.state, 'loading');
  await Promise.all(starts);
  assert.equal(embedder.state, 'ready');
  assert.equal(count('loaded'), 1);
  const { processes, liveTensors } = await embedder.stats();
  assert.equal(liveTensors, 0);
  assert.equal(processes.length, 1);
  assert.ok(processes[0]!.rssBytes > 50e6);
  await Promise.all([embedder.dispose(), embedder.dispose()]);
  assert.equal(embedder.state, 'disposed');
  assert.equal(alive(processes[0]!.pid), false);
  for (const use of [() => embedder.start(), () => embedder.embed(['x'])]) {
    await assert.rejects(use, { code: 'ERR_TIDEMARK_EMBEDDER_DISPOSED' });
  }
});

test('dispose during a load and during a run ends the processes and tells the callers', async () => {
  const loading = create({}).embedder;
  const start = assert.rejects(loading.start(), { code: 'ERR_TIDEMARK_EMBEDDER_DISPOSED' });
  await loading.dispose();
  await start;

  const running = create({}).embedder;
  await running.start();
  const { pid } = (await running.stats()).processes[0]!;
  const run = assert.rejects(running.embed(TEXTS), { code: 'ERR_TIDEMARK_EMBEDDER_DISPOSED' });
  await setTimeout(0);
  await running.dispose();
  await run;
  assert.equal(alive(pid), false);
});

test('an embedder that is disposed when its first process has the model leaves none', async () => {
  let disposed: Promise<void> | undefined;
  const pids: number[] = [];
  const embedder = new Embedder({
    cacheDir: sharedCache,
    processes: 3,
    onEvent: (event) => {
      if (event.type !== 'loaded') return;
      pids.push(event.pid);
      disposed ??= embedder.dispose();
    },
  });
  await assert.rejects(embedder.start(), { code: 'ERR_TIDEMARK_EMBEDDER_DISPOSED' });
  await disposed;
  // Long enough for others to have loaded it.
  await setTimeout(1500);
  assert.equal(pids.length, 1);
  assert.equal(alive(pids[0]!), false);
  assert.deepEqual(embedderPids(), []);
});

test('work spread over two processes comes back in order, from calls side by side too', async () => {
  const expected = await expectedVectors();
  const { embedder, count } = create({ processes: 2 });
  await using _ = embedder;
  const [a, b] = await Promise.all([embedder.embed(TEXTS), embedder.embed(TEXTS)]);
  assert.deepEqual(a.vectors, expected);
  assert.deepEqual(b.vectors, expected);
  assert.equal(count('loaded'), 2);
  assert.equal((await embedder.stats()).liveTensors, 0);
});

test('a process killed in a run is replaced, and the result is the same', async () => {
  const expected = await expectedVectors();
  const { embedder, count } = create({});
  await using _ = embedder;
  await embedder.start();
  const { pid } = (await embedder.stats()).processes[0]!;
  const run = embedder.embed(TEXTS);
  await setTimeout(0);
  process.kill(pid, 'SIGKILL');
  const result = await run;
  assert.deepEqual(result.failed, []);
  assert.deepEqual(result.vectors, expected);
  assert.equal(count('crashed'), 1);
  assert.equal((await embedder.stats()).crashes, 1);
});

test('a process killed between two runs is replaced', async () => {
  const { embedder } = create({});
  await using _ = embedder;
  await embedder.start();
  const { pid } = (await embedder.stats()).processes[0]!;
  process.kill(pid, 'SIGKILL');
  await gone(pid);
  assert.equal((await embedder.embed(['x'])).failed.length, 0);
});

test('texts that kill two processes have failed; the next ones are embedded', async () => {
  let deaths = 2;
  const observe = (event: EmbedderEvent) => {
    if (event.type === 'loaded' && deaths-- > 0) process.kill(event.pid, 'SIGKILL');
  };
  const { embedder } = create({ observe });
  await using _ = embedder;
  const result = await embedder.embed(TEXTS.slice(0, 20));
  assert.deepEqual(
    result.failed.map((failure) => failure.index),
    Array.from({ length: 16 }, (_, index) => index),
  );
  assert.match(result.failed[0]!.reason, /SIGKILL/);
  assert.ok(result.vectors.subarray(0, 16 * 384).every(Number.isNaN));
  assert.ok(result.vectors.subarray(16 * 384).every(Number.isFinite));
});

/** Leaves a process so much more address space than it has. */
function capMemory(pid: number, more: number): void {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const has = Number(/VmSize:\s+(\d+) kB/.exec(status)![1]) * 1024;
  execFileSync('prlimit', ['--pid', String(pid), `--as=${has + more}`]);
}

const withoutLimits = process.platform === 'linux' ? false : 'prlimit is of Linux';
const LONG = 'let total = price * quantity; '.repeat(70);

test('a process that is out of memory is replaced, and its texts are embedded', {
  skip: withoutLimits,
}, async () => {
  const texts = [LONG, 'short', LONG];
  const { embedder, events, count } = create({});
  await using _ = embedder;
  const expected = await embedder.embed(texts);
  await embedder.recycle();
  await embedder.embed(['short']);
  const { pid } = (await embedder.stats()).processes[0]!;
  capMemory(pid, 1e6);
  const result = await embedder.embed(texts);
  assert.deepEqual(result.failed, []);
  assert.deepEqual(result.vectors, expected.vectors);
  assert.equal(count('crashed'), 1);
  assert.match(events.flatMap((event) => (event.type === 'crashed' ? event.reason : []))[0]!, /memory/);
  assert.equal(alive(pid), false);
  const stats = await embedder.stats();
  assert.deepEqual([stats.liveTensors, stats.processes.length], [0, 1]);
});

test('texts for which no process has the memory have failed; the others, and later ones, are embedded', {
  skip: withoutLimits,
}, async () => {
  const observe = (event: EmbedderEvent) => {
    if (event.type === 'loaded') capMemory(event.pid, 3e6);
  };
  const { embedder, count } = create({ observe });
  await using _ = embedder;
  for (let round = 0; round < 3; round++) {
    const { failed } = await embedder.embed([LONG, 'short']);
    assert.deepEqual(
      failed.map(({ index }) => index),
      [0],
    );
    assert.match(failed[0]!.reason, /memory/);
  }
  assert.equal((await embedder.embed(['short'])).failed.length, 0);
  // It is not tried again with each text.
  assert.equal(count('crashed'), 2);
  assert.equal((await embedder.stats()).liveTensors, 0);
});

test('where every process dies embedding stops with an error, and a later start begins anew', async () => {
  let deadly = true;
  const observe = (event: EmbedderEvent) => {
    if (event.type === 'loaded' && deadly) process.kill(event.pid, 'SIGKILL');
  };
  const { embedder } = create({ observe });
  await using _ = embedder;
  await assert.rejects(embedder.embed(TEXTS), { code: 'ERR_TIDEMARK_EMBEDDER_CRASHED', message: /SIGKILL/ });
  assert.equal(embedder.state, 'failed');
  deadly = false;
  assert.equal((await embedder.embed(TEXTS.slice(0, 2))).failed.length, 0);
  assert.equal(embedder.state, 'ready');
});

test('a process that has grown above the limit is replaced; one that begins above it is reported once', async () => {
  const long = Array.from({ length: 4 }, (_, index) => `value${index} = compute(input); `.repeat(80));
  // Two of each: what a process takes differs by some MB from start to start.
  const loaded: number[] = [];
  const grown: number[] = [];
  let expected: Float32Array | undefined;
  for (let round = 0; round < 2; round++) {
    await using free = create({}).embedder;
    await free.start();
    loaded.push((await free.stats()).rssBytes);
    expected = (await free.embed(long)).vectors;
    grown.push((await free.stats()).rssBytes);
  }
  const [from, to] = [Math.max(...loaded), Math.min(...grown)];
  assert.ok(to > from, `${from} -> ${to}`);

  const limited = create({ maxChildRssBytes: from + (to - from) * 0.6 });
  await using __ = limited.embedder;
  for (let round = 0; round < 4; round++) {
    assert.deepEqual((await limited.embedder.embed(long)).vectors, expected);
  }
  const types = limited.events.map((event) => event.type);
  assert.ok(types.includes('recycled'), types.join());
  assert.equal(
    types.filter((type) => type === 'loaded').length,
    1 + types.filter((type) => type === 'recycled').length - (types.at(-1) === 'recycled' ? 1 : 0),
  );

  const low = create({ maxChildRssBytes: 1e6 });
  await using ___ = low.embedder;
  assert.deepEqual((await low.embedder.embed(long)).vectors, expected);
  assert.deepEqual(
    low.events.map((event) => event.type),
    ['loaded', 'over-limit'],
  );
});

test('recycle() replaces the process and changes no result', async () => {
  const { embedder, count } = create({});
  await using _ = embedder;
  const before = await embedder.embed(TEXTS.slice(0, 3));
  const { pid } = (await embedder.stats()).processes[0]!;
  await embedder.recycle();
  assert.equal(alive(pid), false);
  assert.deepEqual((await embedder.embed(TEXTS.slice(0, 3))).vectors, before.vectors);
  assert.deepEqual([count('recycled'), (await embedder.stats()).recycles], [1, 1]);
});

test('suspend() ends the processes at once, and resume() embeds what was in hand', async () => {
  const expected = await expectedVectors();
  const { embedder, count } = create({ processes: 2 });
  await using _ = embedder;
  assert.equal(embedder.neededBytes, 0);
  await embedder.start();
  const { neededBytes } = embedder;
  const { rssBytes, processes } = await embedder.stats();
  assert.ok(neededBytes > 50e6 && neededBytes < rssBytes, `${neededBytes} of ${rssBytes}`);
  const pids = processes.map(({ pid }) => pid);
  let done = 0;
  const oneMore = () => done++;
  const inHand = embedder.embed(TEXTS);
  void inHand.then(oneMore);
  await setTimeout(0);
  await Promise.all([embedder.suspend(), embedder.recycle(), embedder.suspend()]);
  assert.deepEqual(pids.map(alive), [false, false]);
  const later = embedder.embed(TEXTS);
  void later.then(oneMore);
  await setTimeout(300);
  assert.deepEqual([done, (await embedder.stats()).processes], [0, []]);
  embedder.resume();
  for (const { vectors, failed } of await Promise.all([inHand, later])) {
    assert.deepEqual(failed, []);
    assert.deepEqual(vectors, expected);
  }
  assert.deepEqual([count('crashed'), (await embedder.stats()).crashes], [0, 0]);
  // Of what is not suspended there is nothing to resume.
  embedder.resume();
});

test('suspend() ends a process that is about to start', async () => {
  const { embedder, count } = create({});
  await using _ = embedder;
  await embedder.start();
  await embedder.recycle();
  const run = embedder.embed(TEXTS);
  await setTimeout(50);
  await embedder.suspend();
  assert.equal((await embedder.stats()).processes.length, 0);
  embedder.resume();
  assert.deepEqual((await run).vectors, await expectedVectors());
  assert.deepEqual([count('crashed'), (await embedder.stats()).crashes], [0, 0]);
});

test('whoever waits for a suspended embedder is told of an abort and of its end', async () => {
  const { embedder } = create({});
  await embedder.start();
  await embedder.suspend();
  const controller = new AbortController();
  const aborted = assert.rejects(embedder.embed(TEXTS, { signal: controller.signal }), { message: 'enough' });
  const ended = assert.rejects(embedder.embed(TEXTS), { code: 'ERR_TIDEMARK_EMBEDDER_DISPOSED' });
  await setTimeout(10);
  controller.abort(new Error('enough'));
  await aborted;
  await embedder.dispose();
  await ended;
});

test('limit() ends the processes beyond it, and they come back when they may', async () => {
  const { embedder } = create({ processes: 2 });
  await using _ = embedder;
  const { vectors } = await embedder.embed(TEXTS);
  assert.equal((await embedder.stats()).processes.length, 2);
  await embedder.limit(1);
  assert.equal((await embedder.stats()).processes.length, 1);
  assert.deepEqual((await embedder.embed(TEXTS)).vectors, vectors);
  assert.equal((await embedder.stats()).processes.length, 1, 'it stays so');
  await embedder.limit(5);
  // In several slices, so that there is work for both.
  const many = Array.from({ length: 200 }, (_, i) => `${TEXTS[i % TEXTS.length]} ${i}`);
  assert.equal((await embedder.embed(many)).failed.length, 0);
  assert.equal((await embedder.stats()).processes.length, 2);
});

test('an abort rejects with its reason and leaves the embedder ready', async () => {
  const { embedder } = create({});
  await using _ = embedder;
  await embedder.start();
  const controller = new AbortController();
  const run = embedder.embed(TEXTS, { signal: controller.signal });
  const reason = new Error('enough');
  controller.abort(reason);
  await assert.rejects(run, reason);
  await assert.rejects(embedder.embed(TEXTS, { signal: controller.signal }), reason);
  assert.equal((await embedder.embed(['x'])).failed.length, 0);
  assert.equal((await embedder.stats()).liveTensors, 0);
});

test('an observer that throws harms nothing', async () => {
  const observe = () => {
    throw new Error('observer');
  };
  const { embedder } = create({ observe });
  await using _ = embedder;
  assert.equal((await embedder.embed(['x'])).failed.length, 0);
});

test('a program that forgets to dispose ends; one that is killed leaves no process behind', async () => {
  await ensureBundledModel({ cacheRoot: sharedCache, dtype: 'q8' });
  const run = (mode: string) =>
    spawn(process.execPath, [...process.execArgv, program, sharedCache, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const forgetful = run('forget');
  const output = text(forgetful.stdout);
  assert.deepEqual(await once(forgetful, 'close'), [0, null]);
  await gone(JSON.parse(await output).pid);

  const lingering = run('linger');
  const [line] = await once(lingering.stdout, 'data');
  const { pid } = JSON.parse(String(line));
  assert.equal(alive(pid), true);
  process.kill(pid, 'SIGINT');
  lingering.kill('SIGKILL');
  await gone(pid);
});

test("a process ignores Ctrl-C, which is its parent's to answer", async () => {
  const { embedder } = create({});
  await using _ = embedder;
  await embedder.start();
  const { pid } = (await embedder.stats()).processes[0]!;
  process.kill(pid, 'SIGINT');
  await embedder.embed(TEXTS.slice(0, 2));
  const stats = await embedder.stats();
  assert.deepEqual([stats.processes[0]!.pid, stats.crashes], [pid, 0]);
});

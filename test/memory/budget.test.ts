import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Lease, MemoryBudget } from '../../src/memory/budget.ts';
import {
  planMemory,
  SMALLEST_BYTES,
  SMALLEST_LEXICAL_BYTES,
  SMALLEST_NATIVE_BYTES,
} from '../../src/memory/plan.ts';
import { parseSize } from '../../src/memory/size.ts';
import { seeded } from '../support/chunking.ts';
import { runScript } from '../support/debug-script.ts';

/** Lets all that can go on go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('leases are granted in order of arrival, and a small one does not overtake', async () => {
  const budget = new MemoryBudget(100);
  const first = await budget.take(60, 'test');
  const granted: string[] = [];
  const big = budget.take(70, 'test').then((lease) => {
    granted.push('big');
    return lease;
  });
  const small = budget.take(10, 'test').then((lease) => {
    granted.push('small');
    return lease;
  });
  await settle();
  assert.deepEqual(granted, [], '10 bytes would fit, but 70 asked first');
  assert.equal(budget.takenBytes, 60);
  first.release();
  (await big).release();
  (await small).release();
  assert.deepEqual(granted, ['big', 'small']);
  assert.deepEqual([budget.takenBytes, budget.leases], [0, 0]);
});

test('one release frees several that wait', async () => {
  const budget = new MemoryBudget(100);
  const first = await budget.take(100, 'test');
  const waiting = [30, 30, 30].map((bytes) => budget.take(bytes, 'test'));
  first.release();
  const leases = await Promise.all(waiting);
  assert.equal(budget.takenBytes, 90);
  for (const lease of leases) lease.release();
});

test('a lease that is released twice counts once; using releases it', async () => {
  const budget = new MemoryBudget(100);
  const other = await budget.take(50, 'test');
  const lease = await budget.take(30, 'test');
  lease.release();
  lease.release();
  assert.deepEqual([budget.takenBytes, budget.leases], [50, 1]);
  {
    using held = await budget.take(10, 'test');
    assert.deepEqual([held.bytes, budget.takenBytes], [10, 60]);
  }
  other.release();
  assert.deepEqual([budget.takenBytes, budget.leases], [0, 0]);
});

test('what is larger than the whole waits until it is alone, and then nothing joins it', async () => {
  const budget = new MemoryBudget(100);
  const small = await budget.take(1, 'test');
  let granted = false;
  const huge = budget.take(1000, 'test').then((lease) => {
    granted = true;
    return lease;
  });
  await settle();
  assert.equal(granted, false);
  small.release();
  const lease = await huge;
  let joined = false;
  const next = budget.take(1, 'test').then((more) => {
    joined = true;
    return more;
  });
  await settle();
  assert.equal(joined, false);
  lease.release();
  (await next).release();
  assert.equal(budget.leases, 0);
});

test('an abort takes a waiter out of the line, and those behind it move up', async () => {
  const budget = new MemoryBudget(100);
  const first = await budget.take(50, 'test');
  const controller = new AbortController();
  const aborted = assert.rejects(budget.take(80, 'test', controller.signal), { message: 'enough' });
  const behind = budget.take(40, 'test');
  controller.abort(new Error('enough'));
  await aborted;
  const second = await behind;
  assert.equal(budget.takenBytes, 90);
  await assert.rejects(budget.take(1, 'test', controller.signal), { message: 'enough' });
  first.release();
  second.release();

  // Aborted after it was granted: nothing is taken back behind the holder's back.
  const late = new AbortController();
  const held = await budget.take(10, 'test', late.signal);
  late.abort();
  assert.equal(budget.takenBytes, 10);
  held.release();
  assert.equal(budget.takenBytes, 0);
});

test('property: never above the total unless a single lease is, and everybody is served', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const total = 1000;
    const budget = new MemoryBudget(total);
    const held: Lease[] = [];
    let asked = 0;
    let settled = 0;
    const check = () => {
      assert.ok(
        budget.takenBytes <= total || budget.leases === 1,
        `${budget.takenBytes} by ${budget.leases}`,
      );
      assert.equal(
        held.reduce((sum, { bytes }) => sum + bytes, 0),
        budget.takenBytes,
      );
    };
    for (let step = 0; step < 400; step++) {
      if (random() < 0.55) {
        const controller = new AbortController();
        const bytes = Math.floor(random() * (random() < 0.05 ? 3000 : 400));
        asked++;
        budget.take(bytes, 'test', controller.signal).then(
          (lease) => {
            settled++;
            held.push(lease);
          },
          () => settled++,
        );
        if (random() < 0.2) controller.abort();
      } else if (held.length > 0) {
        held.splice(Math.floor(random() * held.length), 1)[0]!.release();
      }
      await settle();
      check();
    }
    while (settled < asked || held.length > 0) {
      for (const lease of held.splice(0)) lease.release();
      await settle();
      check();
    }
    assert.deepEqual([budget.takenBytes, budget.leases], [0, 0]);
  }
});

test('a budget that is too small is refused with the smallest that works', () => {
  for (const [embed, nativeParser, smallest] of [
    [true, false, SMALLEST_BYTES],
    [false, false, SMALLEST_LEXICAL_BYTES],
    [true, true, SMALLEST_BYTES],
    [false, true, SMALLEST_NATIVE_BYTES],
  ] as const) {
    let advice = '';
    assert.throws(
      () => planMemory(smallest - 1, { embed, cores: 8, nativeParser }),
      (error: Error & { code: string; smallestBytes: number }) => {
        advice = /--memory (\S+)$/.exec(error.message)?.[1] ?? '';
        return error.code === 'ERR_TIDEMARK_BUDGET_TOO_SMALL' && error.smallestBytes === smallest;
      },
    );
    const plan = planMemory(parseSize(advice), { embed, cores: 8, nativeParser });
    assert.equal(plan.embedders, embed ? 1 : 0);
    assert.equal(plan.parsers >= 1, true);
  }
});

test('a larger model asks for a larger budget', () => {
  const options = { embed: true, cores: 8, sharedCountsOnce: false };
  const small = planMemory(1000e6, options);
  const large = planMemory(1000e6, { ...options, modelBytes: 320e6 });
  assert.deepEqual([small.embedders, large.embedders], [3, 2]);
  assert.ok(large.embedderBytes >= 1.1 * 320e6);
  assert.throws(() => planMemory(512e6, { ...options, modelBytes: 320e6 }), {
    message: '512 MB of memory is too little with the model; the smallest that works is --memory 612MB',
  });
  const least = planMemory(612e6, { ...options, modelBytes: 320e6 });
  assert.equal(least.embedders, 1);
  assert.deepEqual(planMemory(512e6, { ...options, modelBytes: 1e6 }), planMemory(512e6, options));
});

test('where shared pages count once there is room for more processes with the bundled model, and for no more with others', () => {
  for (const [budgetBytes, once, twice] of [
    [450e6, 1, 1],
    [512e6, 2, 1],
    [1000e6, 6, 3],
  ] as const) {
    const plan = (sharedCountsOnce: boolean, modelBytes: number | null = null) =>
      planMemory(budgetBytes, { embed: true, cores: 8, sharedCountsOnce, modelBytes });
    assert.deepEqual([plan(true).embedders, plan(false).embedders], [once, twice]);
    assert.deepEqual(plan(true, 150e6), plan(false, 150e6));
  }
  assert.equal(planMemory(512e6, { embed: true, cores: 1, sharedCountsOnce: true }).embedders, 1);
});

test('what the machine does not have is not shared out, and its advice can be followed', () => {
  assert.equal(planMemory(100e9, { embed: true, cores: 8, limitBytes: 2e9 }).budgetBytes, 2e9);
  const plan = (limitBytes: number) => () => planMemory(1e9, { embed: true, cores: 8, limitBytes });
  assert.throws(plan(400e6), {
    message:
      '400 MB of memory is too little with the model; the smallest that works is --memory 450MB, ' +
      'and the machine or its container allows 400 MB: --no-embed will do with that',
  });
  assert.throws(plan(256e6), {
    message:
      '256 MB of memory is too little with the model; the smallest that works is --memory 450MB, ' +
      'and the machine or its container allows 256 MB',
  });
});

test('whoever waits for a budget that ends is told so', async () => {
  const budget = new MemoryBudget(100);
  const lease = await budget.take(100, 'test');
  const waiting = budget.take(1, 'window');
  budget[Symbol.dispose]();
  await assert.rejects(waiting, /window waits for will not come/);
  lease.release();
});

test('property: a plan spends no more than the budget on what lives at the same time', () => {
  const random = seeded(5);
  for (let i = 0; i < 500; i++) {
    const embed = random() < 0.5;
    const cores = 1 + Math.floor(random() * 64);
    const nativeParser = random() < 0.5;
    const lexical = nativeParser ? SMALLEST_NATIVE_BYTES : SMALLEST_LEXICAL_BYTES;
    const smallest = embed ? SMALLEST_BYTES : lexical;
    const budgetBytes = Math.floor(smallest * (1 + random() * 20));
    const sharedCountsOnce = random() < 0.5;
    const plan = planMemory(budgetBytes, { embed, cores, nativeParser, sharedCountsOnce });
    // The two lanes run one after the other; the store stays.
    const [shared, each] = sharedCountsOnce ? [50e6, 110e6] : [0, plan.embedderBytes];
    const embedders = plan.embedders > 1 ? shared + plan.embedders * each : plan.embedderBytes;
    if (embed) assert.ok(embedders <= budgetBytes - 240e6 + 1, `${embedders} bytes of embedders`);
    if (embed) assert.ok(plan.embedderBytes >= 210e6);
    if (nativeParser) assert.ok(plan.parsers * plan.parserHeapBytes < budgetBytes - 240e6, 'parsers');
    assert.ok(plan.parsers <= cores && plan.embedders <= cores);
    assert.ok(plan.inFlightBytes + plan.flushBytes < budgetBytes / 4);
    assert.ok(plan.inFlightBytes >= 8e6 && plan.flushBytes >= 1e6);
    assert.equal(plan.budgetBytes, budgetBytes);
  }
});

test('a smaller budget lets nobody in until enough is back; a larger one lets those in that wait', async () => {
  const budget = new MemoryBudget(100);
  const first = await budget.take(60, 'test');
  budget.resize(50);
  const waiting = budget.take(20, 'test');
  await settle();
  assert.deepEqual([budget.takenBytes, budget.totalBytes], [60, 50]);
  budget.resize(80);
  const second = await waiting;
  assert.equal(budget.takenBytes, 80);
  first.release();
  second.release();
});

test('what is reserved is out, but does not keep a single large request waiting', async () => {
  const budget = new MemoryBudget(100);
  const reserved = budget.reserve(90, 'batches');
  const small = await budget.take(10, 'file');
  const large = budget.take(500, 'file');
  small.release();
  const lease = await large;
  assert.deepEqual(budget.outstanding(), [
    { owner: 'batches', leases: 1, bytes: 90 },
    { owner: 'file', leases: 1, bytes: 500 },
  ]);
  lease.release();
  reserved.release();
  reserved.release();
  assert.deepEqual(budget.outstanding(), []);
  // Nothing is reserved any more: what comes first is alone.
  const alone = await budget.take(500, 'file');
  let joined = false;
  const next = budget.take(1, 'file').then((more) => {
    joined = true;
    return more;
  });
  await settle();
  assert.equal(joined, false);
  alone.release();
  (await next).release();
});

test('under TIDEMARK_DEBUG=1 a warning names who did not give back, and where it was taken', () => {
  const script = `
    const { MemoryBudget } = await import(${JSON.stringify(new URL('../../src/memory/budget.ts', import.meta.url).href)});
    const budget = new MemoryBudget(1000);
    async function forgetful() { await budget.take(30, 'window'); }
    await forgetful(); await forgetful();
    (await budget.take(5, 'vectors')).release();
    budget[Symbol.dispose]();`;
  const { stderr, status } = runScript(script, '1');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /MemoryLeaseWarning: 2 of window not returned, 60 bytes/);
  assert.match(stderr, /forgetful/);
  assert.doesNotMatch(stderr, /vectors/);
  assert.doesNotMatch(runScript(script, '0').stderr, /MemoryLeaseWarning/);
});

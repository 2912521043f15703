import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Governor, type GovernorStep, type Lever } from '../../src/memory/governor.ts';
import { processTreeBytes } from '../../src/memory/process-tree.ts';
import { seeded } from '../support/chunking.ts';

const MB = 1e6;
const MARK = 500 * MB;
const TICK = 100;

/** A governor whose clock and memory the test moves: what it decides on, not how it measures. */
function governed(t: TestContext, levers: (pull: (step: string) => void) => Lever[], room = () => 1e12) {
  let bytes = 100 * MB;
  let now = 1e9;
  const steps: GovernorStep[] = [];
  const pulled: string[] = [];
  const governor = new Governor({
    budgetBytes: MARK,
    onStep: (step) => steps.push(step),
    read: () => bytes,
    roomOutside: room,
    clock: () => now,
  });
  t.after(() => governor[Symbol.dispose]());
  const stage = governor.govern(levers((step) => pulled.push(step)));
  const run = async (ms: number, memory: (at: number) => number) => {
    for (let at = 0; at < ms; at += TICK) {
      bytes = memory(at);
      now += TICK;
      governor.tick(now);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { governor, stage, steps, pulled, run };
}

const ladder = (pull: (step: string) => void): Lever[] => [
  { step: 'smaller-batches', down: () => pull('smaller'), up: () => pull('larger') },
  { step: 'parser-recycled', down: () => pull('anew') },
  { step: 'fewer-parsers', down: () => pull('fewer'), up: () => pull('more') },
];

test('below the mark nothing happens', async (t) => {
  const { pulled, run, steps, governor } = governed(t, ladder);
  await run(60_000, (at) => (300 + 100 * Math.sin(at / 3000)) * MB);
  assert.deepEqual([pulled, steps, governor.tight], [[], [], false]);
  assert.ok(Math.abs(governor.peakBytes - 400 * MB) < MB);
});

test('near the mark the mildest step comes first, then the others, each with its reason', async (t) => {
  const { governor, pulled, run, steps } = governed(t, ladder);
  await run(4000, () => 470 * MB);
  assert.ok(governor.tight);
  assert.deepEqual(pulled, ['smaller', 'anew', 'fewer']);
  assert.deepEqual(
    steps.map(({ direction, step }) => `${direction} ${step}`),
    ['down smaller-batches', 'down parser-recycled', 'down fewer-parsers'],
  );
  assert.match(steps[0]!.reason, /^memory was at 470 MB of 500 MB$/);
});

test('a steep slope is seen before the level is', async (t) => {
  const { pulled, run } = governed(t, ladder);
  // 250 MB a second from 150 MB on: at 375 MB it will be over the mark within half a second.
  await run(900, (at) => (150 + at / 4) * MB);
  await run(1000, () => 376 * MB);
  assert.deepEqual(pulled, [], 'a collection of garbage comes first, and is enough here');
  await run(1500, (at) => (300 + at / 7) * MB);
  assert.deepEqual(pulled, ['smaller'], 'at most 514 MB was ahead, 440 MB there');
});

test('with room again what can be taken back is, in the other order, and does not flap', async (t) => {
  const { pulled, run, steps } = governed(t, ladder);
  await run(4000, () => 470 * MB);
  pulled.length = 0;
  await run(4900, () => 200 * MB);
  assert.deepEqual(pulled, [], 'not at once');
  await run(20_000, () => 200 * MB);
  assert.deepEqual(pulled, ['more', 'larger']);
  assert.deepEqual(
    steps.slice(3).map(({ direction }) => direction),
    ['up', 'up'],
  );

  // Whatever is taken back drives memory up again.
  pulled.length = 0;
  let level = 0;
  for (let i = 0; i < 600; i++) {
    const before = pulled.length;
    await run(1000, () => (level === 0 ? 470 : 300) * MB);
    for (const step of pulled.slice(before)) {
      if (step === 'smaller') level++;
      if (step === 'larger') level--;
    }
  }
  assert.ok(pulled.length < 40, `${pulled.length} steps in ten minutes`);
});

test('when all is done a passing step is made again, more and more seldom', async (t) => {
  const { pulled, run } = governed(t, ladder);
  await run(300_000, () => 480 * MB);
  const again = pulled.filter((step) => step === 'anew').length;
  assert.ok(again >= 3 && again <= 6, `${again} times in five minutes`);
});

test('levers belong to their stage', async (t) => {
  const { governor, pulled, run, stage } = governed(t, ladder);
  stage[Symbol.dispose]();
  await run(5000, () => 490 * MB);
  assert.deepEqual(pulled, []);
  const seen: string[] = [];
  using _ = governor.govern(ladder((step) => seen.push(step)));
  await run(500, () => 490 * MB);
  assert.deepEqual(seen, ['smaller']);
});

test('the mark comes down when others take the memory of the machine, and goes up again', async (t) => {
  let room = 1e12;
  const { governor, run, steps } = governed(t, ladder, () => room);
  await run(2000, () => 250 * MB);
  assert.equal(steps.length, 0);
  room = 10 * MB;
  await run(3000, () => 250 * MB);
  assert.match(steps[0]!.reason, /^memory was at 250 MB of 250 MB, as the machine has no more$/);
  room = 1e12;
  await run(30_000, () => 250 * MB);
  assert.equal(governor.tight, false);
  assert.deepEqual(
    steps.filter(({ direction }) => direction === 'up').map(({ step }) => step),
    ['fewer-parsers', 'smaller-batches'],
  );
});

test('a slope that is known to end is no reason to give anything up, a level is', async (t) => {
  const { governor, pulled, run } = governed(t, ladder);
  let loaded = () => {};
  const loading = governor.expecting(
    new Promise<void>((resolve) => {
      loaded = resolve;
    }),
  );
  await run(2000, (at) => (230 + at / 10) * MB);
  loaded();
  await loading;
  await run(3000, () => 430 * MB);
  assert.deepEqual(pulled, []);
  const more = governor.expecting(new Promise(() => {}));
  more.catch(() => {});
  await run(2000, () => 470 * MB);
  assert.deepEqual(pulled.slice(0, 1), ['smaller']);
});

test('what others take is seen coming', async (t) => {
  let room = 400 * MB;
  const { run, steps } = governed(t, ladder, () => room);
  await run(3000, () => 250 * MB);
  assert.equal(steps.length, 0);
  // 25 MB a second.
  const taking = (ms: number) =>
    run(ms, () => {
      room -= 2.5 * MB;
      return 250 * MB;
    });
  while (steps.length === 0 && room > 0) await taking(TICK);
  assert.ok(room > 50 * MB && room < 120 * MB, `${room / MB} MB were left`);
  await taking(2000);
  assert.equal(steps.at(-1)?.step, 'fewer-parsers', 'all is given up while there is some left');
});

test('where all that is left goes within two seconds no step waits for the one before', async (t) => {
  let room = 400 * MB;
  const { run, steps } = governed(t, ladder, () => room);
  await run(3000, () => 250 * MB);
  // 100 MB a second.
  while (room > 100 * MB) {
    await run(TICK, () => {
      room -= 10 * MB;
      return 250 * MB;
    });
  }
  assert.equal(steps.at(-1)?.step, 'fewer-parsers');
});

test('a fall that leaves enough is no reason to give anything up', async (t) => {
  let room = 20_000 * MB;
  const { run, steps, governor } = governed(t, ladder, () => room);
  await run(3000, () => 250 * MB);
  room = 1000 * MB;
  await run(5000, () => 250 * MB);
  assert.deepEqual([steps, governor.tight], [[], false]);
});

test('where others take the memory, nothing is started anew for what it has grown by', async (t) => {
  const levers = (pull: (step: string) => void): Lever[] => [
    { step: 'smaller-batches', down: () => pull('smaller'), up: () => pull('larger') },
    { step: 'embedder-recycled', down: () => pull('anew'), onlyGrowth: true },
    { step: 'embedding-paused', down: () => pull('paused'), up: () => pull('on') },
  ];
  let room = 10 * MB;
  const others = governed(t, levers, () => room);
  await others.run(200_000, () => 250 * MB);
  assert.deepEqual(others.pulled, ['smaller', 'paused']);
  room = 1e12;
  await others.run(30_000, () => 100 * MB);
  assert.deepEqual(others.pulled.slice(2), ['on', 'larger']);
  const own = governed(t, levers);
  await own.run(4000, () => 480 * MB);
  assert.deepEqual(own.pulled, ['smaller', 'anew', 'paused']);
});

test('there has to be room for all of something large where others have the rest', async (t) => {
  let room = 150 * MB;
  const { governor, run } = governed(
    t,
    () => [],
    () => room,
  );
  const { signal } = new AbortController();
  await run(3000, () => 100 * MB);
  assert.equal(governor.tight, false);
  let there: boolean | undefined;
  const asked = governor.patience(signal, { bytes: 200 * MB }).then((answer) => {
    there = answer;
  });
  assert.equal(await governor.patience(signal, { bytes: 100 * MB }), true);
  assert.equal(there, undefined, 'it waits');
  room = 1e12;
  await run(1000, () => 100 * MB);
  await asked;
  assert.equal(there, true);
});

test('a step is taken back where there is room for what that takes', async (t) => {
  let room = 10 * MB;
  const levers = (pull: (step: string) => void): Lever[] => [
    {
      step: 'embedding-paused',
      down: () => pull('paused'),
      up: () => pull('on'),
      upBytes: () => 100 * MB,
    },
  ];
  const { pulled, run } = governed(t, levers, () => room);
  await run(3000, () => 250 * MB);
  room = 80 * MB;
  await run(60_000, () => 120 * MB);
  assert.deepEqual(pulled, ['paused']);
  room = 140 * MB;
  await run(20_000, () => 120 * MB);
  assert.deepEqual(pulled, ['paused', 'on']);
});

test('the next step waits for the work of the one before, and settles from its end', async (t) => {
  let finish = () => {};
  const { pulled, run } = governed(t, (pull) => [
    {
      step: 'embedder-recycled',
      down: () => {
        pull('slow');
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
      up: () => pull('slow back'),
    },
    { step: 'fewer-embedders', down: () => pull('next') },
  ]);
  await run(3000, () => 470 * MB);
  assert.deepEqual(pulled, ['slow']);
  finish();
  await run(500, () => 470 * MB);
  assert.deepEqual(pulled, ['slow']);
  await run(1500, () => 470 * MB);
  assert.deepEqual(pulled, ['slow', 'next']);
});

test('work that never ends holds no other step back for ever, and nothing is taken back before it is done', async (t) => {
  let finish = () => {};
  const { pulled, run } = governed(t, (pull) => [
    {
      step: 'embedder-recycled',
      down: () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
      up: () => pull('slow back'),
    },
    { step: 'fewer-embedders', down: () => pull('next'), up: () => pull('next back') },
  ]);
  await run(9000, () => 470 * MB);
  await run(20_000, () => 200 * MB);
  assert.deepEqual(pulled, ['next']);
  finish();
  await run(20_000, () => 200 * MB);
  assert.deepEqual(pulled, ['next', 'next back', 'slow back']);
});

test('at the end of a stage its levers are let go, the last one first', async (t) => {
  const { pulled, run, stage } = governed(t, ladder);
  await run(4000, () => 470 * MB);
  pulled.length = 0;
  stage[Symbol.dispose]();
  await run(100, () => 470 * MB);
  assert.deepEqual(pulled, ['more', 'larger']);
});

test('a lever that fails stops nothing', async (t) => {
  const { pulled, run } = governed(t, (pull) => [
    {
      step: 'parser-recycled',
      down: () => Promise.reject(new Error('no')),
    },
    { step: 'fewer-parsers', down: () => pull('fewer') },
  ]);
  await run(4000, () => 480 * MB);
  assert.ok(pulled.includes('fewer'));
});

test('property: any course of memory leaves the levers in a state that the steps add up to', async (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = seeded(seed);
    const down = new Set<string>();
    const { run, steps } = governed(t, () => [
      {
        step: 'fewer-in-flight',
        down: () => void down.add('fewer-in-flight'),
        up: () => void down.delete('fewer-in-flight'),
      },
      {
        step: 'fewer-parsers',
        down: () => void down.add('fewer-parsers'),
        up: () => void down.delete('fewer-parsers'),
      },
    ]);
    for (let i = 0; i < 30; i++) {
      const level = (0.3 + 0.7 * random()) * MARK;
      await run(Math.floor(random() * 20_000), () => level);
      const state = new Set<string>();
      for (const { direction, step } of steps) {
        if (direction === 'down') {
          assert.ok(!state.has(step), 'never twice');
          state.add(step);
        } else assert.ok(state.delete(step), 'only what was down');
      }
      assert.deepEqual(state, down);
    }
  }
});

test('work waits for room, and for no more than some seconds; an abort ends the waiting', async () => {
  using governor = new Governor({ budgetBytes: 1000, onStep: () => {}, roomOutside: () => 1e12 });
  assert.ok(governor.tight, 'this process alone is above such a mark');
  const started = performance.now();
  await governor.room(new AbortController().signal);
  const waited = performance.now() - started;
  assert.ok(waited > 2000 && waited < 10_000, `${waited}`);
  const again = performance.now();
  await governor.room(new AbortController().signal);
  assert.ok(performance.now() - again < 1000, 'a wait that brought nothing is not made again at once');
  using other = new Governor({ budgetBytes: 1000, onStep: () => {}, roomOutside: () => 1e12 });
  const controller = new AbortController();
  const waiting = other.room(controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, { message: 'enough' });
});

test('something large waits longer, and is told when there is no room for it', async (t) => {
  const { governor, run } = governed(t, () => []);
  const { signal } = new AbortController();
  await run(1000, () => 480 * MB);
  let answer: boolean | undefined;
  const asked = governor.patience(signal).then((there) => {
    answer = there;
  });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 3 * TICK));
  await run(10_000, () => 480 * MB);
  await settle();
  assert.equal(answer, undefined, 'it waits');
  await run(10_000, () => 480 * MB);
  await asked;
  assert.equal(answer, false);
  const later = governor.patience(signal);
  await run(1000, () => 200 * MB);
  assert.equal(await later, true);
});

test('whoever waits for room waits no longer than the governor lives, nor than is wanted', async (t) => {
  const { governor, run } = governed(t, () => []);
  await run(1000, () => 480 * MB);
  const controller = new AbortController();
  let wanted = true;
  const unwanted = governor.patience(controller.signal, { ended: () => !wanted });
  wanted = false;
  assert.equal(await unwanted, true);
  const aborted = governor.patience(controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, { message: 'enough' });
  const { signal } = new AbortController();
  const [room, patience] = [governor.room(signal), governor.patience(signal)];
  governor[Symbol.dispose]();
  await room;
  assert.equal(await patience, false);
});

test('a stage that ends tells what is taken back', async (t) => {
  const { run, stage, steps } = governed(t, ladder);
  await run(4000, () => 470 * MB);
  steps.length = 0;
  stage[Symbol.dispose]();
  assert.deepEqual(
    steps.map(({ direction, step }) => `${direction} ${step}`),
    ['up fewer-parsers', 'up smaller-batches'],
  );
});

test('without being told otherwise it measures this process', () => {
  using governor = new Governor({ budgetBytes: 1e12, onStep: () => {} });
  assert.ok(governor.peakBytes > 0.5 * process.memoryUsage.rss());
  assert.ok(governor.peakBytes < 2 * processTreeBytes());
  assert.equal(governor.tight, false);
});

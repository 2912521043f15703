import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { machineLimits } from '../../src/memory/machine.ts';
import { defaultBudgetBytes, SMALLEST_BYTES } from '../../src/memory/plan.ts';
import { processTreeBytes } from '../../src/memory/process-tree.ts';
import { runScript } from '../support/debug-script.ts';
import { until } from '../support/index-runs.ts';

const MB = 1e6;
/** Filled, as memory that is only asked for is not resident. */
const HOLD = 'const held = Buffer.alloc(100e6, 1); console.log(held.length); setInterval(() => held, 1000);';

test('limits are those of this machine', () => {
  const { limitBytes, availableBytes, cores, source } = machineLimits();
  assert.ok(limitBytes > 100 * MB && limitBytes <= totalmem());
  assert.ok(availableBytes > 0 && availableBytes <= totalmem());
  assert.ok(Number.isInteger(cores) && cores >= 1);
  assert.ok(source === 'machine' ? limitBytes === totalmem() : limitBytes < totalmem());
});

test('the default budget works wherever the machine can bear it, and leaves half of it alone', () => {
  const { limitBytes } = machineLimits();
  const budget = defaultBudgetBytes();
  assert.ok(budget <= Math.max(limitBytes / 2, SMALLEST_BYTES) && budget <= 2000 * MB);
  assert.ok(budget >= Math.min(limitBytes, SMALLEST_BYTES));
});

test('a child counts, and its child too, while they live', {
  skip: process.platform !== 'linux',
}, async () => {
  const before = processTreeBytes();
  const own = process.memoryUsage.rss();
  assert.ok(Math.abs(before - own) < 50 * MB, 'this process alone');
  const nested = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(HOLD)}]);
    child.stdout.on('data', (data) => process.stdout.write(data));
    process.on('SIGTERM', () => { child.kill('SIGKILL'); process.exit(); });`;
  const child = spawn(process.execPath, ['-e', nested], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const during = processTreeBytes();
  assert.ok(during - before > 100 * MB, `${before} to ${during}`);
  assert.ok(processTreeBytes(child.pid) > 130 * MB && processTreeBytes(child.pid) < during);
  child.kill('SIGTERM');
  await once(child, 'exit');
  await until(() => processTreeBytes() < during - 100 * MB);
  assert.equal(processTreeBytes(child.pid), 0, 'a process that is gone');
});

test('under TIDEMARK_DEBUG=1 what a child writes to stderr is seen', () => {
  const file = new URL('../../src/memory/child-process.ts', import.meta.url).href;
  const script = `
    const { ChildService } = await import(${JSON.stringify(file)});
    const child = new ChildService({ entry: new URL('file:///nowhere/child.js'), heapMiB: 50, died: (text) => new Error(text) });
    await child.call({}).catch((error) => console.log(error.message));`;
  const silent = runScript(script, '0');
  assert.match(silent.stdout, /exited with code 1/);
  assert.equal(silent.stderr, '');
  assert.match(runScript(script, '1').stderr, /Cannot find module '\/nowhere\/child\.js'/);
});

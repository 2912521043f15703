import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultBudgetBytes, SMALLEST_BYTES } from '../../src/memory/budget.ts';
import { machineLimits } from '../../src/memory/machine.ts';
import { processTreeBytes } from '../../src/memory/process-tree.ts';
import { PeakSampler } from '../../src/memory/sampler.ts';
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

test('the sampler remembers a peak that has passed, and stops', {
  skip: process.platform !== 'linux',
}, async () => {
  const sampler = new PeakSampler(20);
  const first = sampler.lastBytes;
  assert.ok(first > 10 * MB && sampler.peakBytes >= first);
  const child = spawn(process.execPath, ['-e', HOLD], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await until(() => sampler.peakBytes > first + 100 * MB);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until(() => sampler.lastBytes < sampler.peakBytes - 90 * MB);
  assert.ok(sampler.peakBytes > first + 100 * MB);
  sampler[Symbol.dispose]();
  await sleep(30);
  const { lastBytes } = sampler;
  await sleep(100);
  assert.equal(sampler.lastBytes, lastBytes);
  assert.ok(sampler.sample() > 0, 'by hand it still works');
});

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MemorystatusLevel } from '../../src/memory/memorystatus.ts';
import { until } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

/** The level as a program tells it that reads it off a file. */
function told(t: TestContext, text: string) {
  const file = join(temporaryDirectory(t), 'level');
  writeFileSync(file, text);
  return { file, command: ['cat', file] };
}

test('the first reading is there at once, and later ones follow', async (t) => {
  const { file, command } = told(t, '37\n');
  const level = new MemorystatusLevel(command, 10);
  assert.equal(level.percent(), 37);
  writeFileSync(file, '12\n');
  await until(() => level.percent() === 12);
  // A kernel that stops telling it bounds nothing, and one that tells it again does.
  rmSync(file);
  await until(() => level.percent() === null);
  writeFileSync(file, '50\n');
  await until(() => level.percent() === 50);
});

test('however often it is asked for, it is read no more often than it may be', async (t) => {
  const { file, command } = told(t, '37\n');
  const level = new MemorystatusLevel(command, 2000);
  assert.equal(level.percent(0), 37);
  writeFileSync(file, '12\n');
  for (let now = 0; now < 2000; now += 100) assert.equal(level.percent(now), 37);
  // It is not waited for.
  assert.equal(level.percent(2000), 37);
  await until(() => level.percent(2000) === 12);
});

test('what is no level, and a program that is not there or fails, tell nothing', (t) => {
  for (const text of ['', 'unknown oid', '0', '101', '-1']) {
    assert.equal(new MemorystatusLevel(told(t, text).command).percent(), null, text);
  }
  assert.equal(new MemorystatusLevel([join(temporaryDirectory(t), 'sysctl')]).percent(), null);
  assert.equal(new MemorystatusLevel(['false']).percent(), null);
});

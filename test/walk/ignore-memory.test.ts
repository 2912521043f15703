import assert from 'node:assert/strict';
import test from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { IgnoreList } from '../../src/walk/ignore-list.ts';

const MiB = 1024 * 1024;

test('asking about a path keeps nothing of it', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const list = new IgnoreList('node_modules/\n*.log\n/src/**/gen-*\n[ab]*.tmp\n!keep.log\nname\n', 0, true);
  const heap = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  let ignored = 0;
  const ask = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const directory = `src/package-${i}/lib/`;
      if (list.match(`${directory}gen-${i}.${i % 2 ? 'ts' : 'LOG'}`, directory.length, false)) ignored++;
    }
  };
  ask(0, 20_000);
  const before = heap();
  ask(20_000, 320_000);
  const grown = heap() - before;
  assert.equal(ignored, 320_000);
  // One entry of a table for each path would be more than 12 MiB.
  assert.ok(grown < 2 * MiB, `${(grown / MiB).toFixed(1)} MiB more after 300,000 paths`);
});

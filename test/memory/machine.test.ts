import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { machineLimits } from '../../src/memory/machine.ts';
import { outsideBytes } from '../../src/memory/pressure.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

const MB = 1e6;
/** As the kernel writes it for a group of version 1 without a limit. */
const NO_LIMIT_V1 = '9223372036854771712';

/** A place with files as the kernel has them under `/proc` and `/sys`. */
function system(t: TestContext, files: Readonly<Record<string, string | number>>): string {
  const root = temporaryDirectory(t);
  const meminfo = 'MemTotal:       16000000 kB\nMemFree:          500000 kB\nMemAvailable:    8000000 kB\n';
  for (const [path, content] of Object.entries({ 'proc/meminfo': meminfo, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${content}\n`);
  }
  return root;
}

const V2 = 'sys/fs/cgroup';
const V1 = 'sys/fs/cgroup/memory';

test('without a cgroup it is the machine, and of that what is available', (t) => {
  const { limitBytes, availableBytes, source } = machineLimits(system(t, {}));
  assert.deepEqual([limitBytes, availableBytes, source], [totalmem(), 8_000_000 * 1024, 'machine']);
});

test('a cgroup of version 2 bounds; what it keeps of files and of their names is given up before it kills', (t) => {
  const root = system(t, {
    'proc/self/cgroup': '0::/user.slice/run-1.scope',
    [`${V2}/user.slice/run-1.scope/memory.max`]: 600 * MB,
    [`${V2}/user.slice/run-1.scope/memory.high`]: 'max',
    [`${V2}/user.slice/run-1.scope/memory.current`]: 400 * MB,
    [`${V2}/user.slice/run-1.scope/memory.stat`]: `anon ${250 * MB}\ninactive_file ${60 * MB}\nactive_file ${50 * MB}\nslab_reclaimable ${40 * MB}\nslab_unreclaimable ${9 * MB}`,
  });
  const { limitBytes, availableBytes, source } = machineLimits(root);
  assert.deepEqual([limitBytes, availableBytes, source], [600 * MB, 350 * MB, 'cgroup']);
});

test('memory.high bounds as memory.max does: beyond it the kernel holds the process back', (t) => {
  const root = system(t, {
    'proc/self/cgroup': '0::/job',
    [`${V2}/job/memory.max`]: 800 * MB,
    [`${V2}/job/memory.high`]: 500 * MB,
    [`${V2}/job/memory.current`]: 100 * MB,
  });
  assert.equal(machineLimits(root).limitBytes, 500 * MB);
  assert.equal(machineLimits(root).availableBytes, 400 * MB);
});

test('of nested groups the smallest limit counts, and the least room below any', (t) => {
  const root = system(t, {
    'proc/self/cgroup': '0::/pod/container',
    [`${V2}/pod/memory.max`]: 1000 * MB,
    // Another container of the pod has most of it.
    [`${V2}/pod/memory.current`]: 950 * MB,
    [`${V2}/pod/container/memory.max`]: 700 * MB,
    [`${V2}/pod/container/memory.current`]: 100 * MB,
  });
  const { limitBytes, availableBytes } = machineLimits(root);
  assert.deepEqual([limitBytes, availableBytes], [700 * MB, 50 * MB]);
});

test('within a container the group is the root of what it sees', (t) => {
  const root = system(t, {
    'proc/self/cgroup': '0::/',
    [`${V2}/memory.max`]: 512 * MB,
    [`${V2}/memory.current`]: 12 * MB,
  });
  assert.equal(machineLimits(root).limitBytes, 512 * MB);
  assert.equal(machineLimits(root).availableBytes, 500 * MB);
});

test('a cgroup of version 1 bounds, beside other controllers', (t) => {
  const root = system(t, {
    'proc/self/cgroup': '12:cpu,cpuacct:/docker/c\n4:memory:/docker/c\n1:name=systemd:/docker/c',
    [`${V1}/memory.limit_in_bytes`]: NO_LIMIT_V1,
    [`${V1}/docker/c/memory.limit_in_bytes`]: 400 * MB,
    [`${V1}/docker/c/memory.usage_in_bytes`]: 300 * MB,
    [`${V1}/docker/c/memory.stat`]: `cache 1\ninactive_file 7\ntotal_inactive_file ${60 * MB}\ntotal_active_file ${40 * MB}`,
  });
  const { limitBytes, availableBytes, source } = machineLimits(root);
  assert.deepEqual([limitBytes, availableBytes, source], [400 * MB, 200 * MB, 'cgroup']);
});

test('no limit in either version is none', (t) => {
  for (const files of [
    { 'proc/self/cgroup': '0::/a', [`${V2}/a/memory.max`]: 'max', [`${V2}/a/memory.current`]: 5 * MB },
    { 'proc/self/cgroup': '2:memory:/a', [`${V1}/a/memory.limit_in_bytes`]: NO_LIMIT_V1 },
    { 'proc/self/cgroup': 'nothing that a kernel writes' },
  ]) {
    assert.equal(machineLimits(system(t, files)).source, 'machine');
  }
});

test('what may still be taken is what is available less a reserve, and nothing where all work stands still', (t) => {
  const group = (pressure: string) =>
    system(t, {
      'proc/self/cgroup': '0::/job',
      [`${V2}/job/memory.max`]: 600 * MB,
      [`${V2}/job/memory.current`]: 300 * MB,
      [`${V2}/job/memory.pressure`]: pressure,
    });
  const stalled = (percent: string) =>
    `some avg10=60.00 avg60=1.00 avg300=0.10 total=1\nfull avg10=${percent} avg60=0.00 avg300=0.00 total=1`;
  assert.equal(outsideBytes(group(stalled('0.00'))), 276 * MB, 'a reserve of 24 MB');
  assert.ok(outsideBytes(group(stalled('12.50'))) < 0);
});

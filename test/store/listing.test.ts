import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { type ListingWay, listFiles, writeFileRows } from '../support/listing.ts';
import { temporaryDir } from '../support/store-rows.ts';

const [FEW, MANY] = [100_000, 300_000];
/** What 200,000 more files may add to the memory of a listing: an array of their rows takes several times as much. */
const MAX_GROWTH_BYTES = 56 << 20;

test('listing three times as many files takes no more memory; with all of them in one array it would', async (t) => {
  const dir = await temporaryDir(t);
  const [few, many] = [path.join(dir, 'few'), path.join(dir, 'many')];
  await writeFileRows(few, FEW);
  await writeFileRows(many, MANY);
  const growth = async (way: ListingWay): Promise<number> => {
    const [small, large] = [await listFiles(way, few), await listFiles(way, many)];
    assert.deepEqual([small.files, large.files], [FEW, MANY]);
    return large.grownBytes - small.grownBytes;
  };
  const real = await growth('keys');
  const leak = await growth('unbounded');
  t.diagnostic(
    `${(real / 2 ** 20).toFixed(1)} MiB more, and ${(leak / 2 ** 20).toFixed(1)} MiB in one array`,
  );
  assert.ok(real < MAX_GROWTH_BYTES, `${real} bytes more`);
  assert.ok(leak > 2 * MAX_GROWTH_BYTES, `the test would not see a leak: ${leak} bytes more`);
});

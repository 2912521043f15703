import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ALLOCATOR } from '../../src/cli/process-settings.ts';
import { temporaryDir } from '../support/store-rows.ts';

const CHILD = fileURLToPath(new URL('./children/rounds.ts', import.meta.url));
/** The rounds compared write 15 MB of rows: whatever keeps what it was given shows well above this. */
const MAX_GROWTH_BYTES = 8 << 20;

test('the resident set does not grow with rounds of writing, replacing and searching', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  // malloc as it is would hide the slope in fragmentation.
  const env = { ...process.env, ...ALLOCATOR };
  const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', CHILD, dir], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  const samples = output.trim().split('\n').map(Number);
  assert.equal(samples.length, 60);
  // The first third fills caches; after it, compare the lows, which a late collection cannot raise.
  const low = (from: number, to: number): number => Math.min(...samples.slice(from, to));
  const growth = low(50, 60) - low(20, 30);
  t.diagnostic(`${(growth / 2 ** 20).toFixed(1)} MiB from rounds 20-30 to rounds 50-60`);
  assert.ok(growth < MAX_GROWTH_BYTES, `grew by ${growth} bytes`);
});

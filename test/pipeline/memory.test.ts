import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { processTreeBytes } from '../../src/memory/process-tree.ts';
import { parseSize } from '../../src/memory/size.ts';
import { builtMain } from '../support/built-package.ts';
import { finished } from '../support/index-runs.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';

const BUDGET = '300MB';
/** Large enough for what grows with the input to show; `TIDEMARK_TEST_MEGABYTES=30` is worth a look now and then. */
const FILE_BYTES = Number(process.env.TIDEMARK_TEST_MEGABYTES ?? 4) * 1e6;

function fill(path: string, part: (i: number) => string): void {
  const file = openSync(path, 'w');
  for (let written = 0, i = 0; written < FILE_BYTES; i++) written += writeSync(file, part(i));
  closeSync(file);
}

function generatedCode(i: number): string {
  return `/** Reads record ${i}. */
export function readRecord${i}(input: Buffer, offset: number): Row${i} {
  const size = input.readUInt32LE(offset + ${i});
  if (size > ${i * 7}) throw new RangeError(\`record ${i} is too large: \${size}\`);
  return decode(input.subarray(offset, offset + size));
}

`;
}

/** All on one line. */
function generatedJson(i: number): string {
  const user = {
    id: i,
    name: `user ${i}`,
    mail: `user${i}@example.org`,
    tags: ['a', i % 7],
    nested: { x: [1, { i }] },
  };
  return `${i === 0 ? '[' : ','}${JSON.stringify(user)}`;
}

test(`huge files are indexed whole within ${BUDGET}`, { skip: process.platform !== 'linux' }, async (t) => {
  const [base, root] = [temporaryDirectory(t), temporaryDirectory(t)];
  // As it is installed: the loader that runs TypeScript takes memory of its own in each thread and process.
  const main = builtMain(join(base, 'package'));
  fill(join(root, 'generated.ts'), generatedCode);
  fill(join(root, 'one-line.json'), generatedJson);
  const args = [main, 'index', root, '--no-embed', '--memory', BUDGET, '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, processTreeBytes(child.pid));
  }, 10);
  const { files, chunks, bytes, peakRssBytes } = await finished(child).finally(() => clearInterval(timer));
  t.diagnostic(
    `${chunks.written} chunks, peak ${Math.round(peak / 1e6)} MB, by its own count ${Math.round(peakRssBytes / 1e6)} MB`,
  );
  assert.deepEqual([files.indexed, files.skipped], [2, {}]);
  assert.ok(bytes >= 2 * FILE_BYTES && chunks.written > FILE_BYTES / 500);
  assert.ok(peak <= parseSize(BUDGET), `${Math.round(peak / 1e6)} MB`);
  assert.ok(Math.abs(peakRssBytes - peak) < 0.25 * peak, 'what it reports is what can be seen from outside');
});

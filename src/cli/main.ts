#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

/**
 * What keeps the store's memory flat can only be set before a process starts: without it glibc keeps what large batches
 * took. So a command that writes runs in a process started with it.
 */
const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '2' };
/**
 * Measured on index runs under a tight budget: 255 MB at the peak without the first two, 212 MB with them; 290 MB and
 * 235 MB without and with the third, which has garbage of many windows collected sooner.
 */
const SMALL_HEAP = ['--max-semi-space-size=2', '--optimize-for-size', '--heap-growing-percent=30'];
/**
 * V8 would compile each parser a second time, which takes seconds and some 90 MB, for a fifth more speed. Set here only:
 * a library must not decide what holds for its whole process. `chunks` has one parser and can have both.
 */
const BASELINE_WASM = '--liftoff-only';

const args = process.argv.slice(2);
if (process.platform === 'linux' && args[0] === 'index' && process.env.MALLOC_MMAP_THRESHOLD_ === undefined) {
  const { relay } = await import('./relay.ts');
  relay({ flags: SMALL_HEAP, script: fileURLToPath(import.meta.url), args, env: ALLOCATOR });
} else {
  if (args[0] !== 'chunks') setFlagsFromString(BASELINE_WASM);
  const { report } = await import('./exit-codes.ts');
  // What nobody awaited is an error like any other: one line.
  process.on('uncaughtException', (error) => process.exit(report(error)));
  const { run } = await import('./program.ts');
  process.exitCode = await run(args);
}

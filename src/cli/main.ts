#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { ALLOCATOR, BASELINE_WASM, SMALL_HEAP } from './process-settings.ts';

const args = process.argv.slice(2);
const writes = args[0] === 'index' || args[0] === 'watch';
if (process.platform === 'linux' && writes && process.env.MALLOC_MMAP_THRESHOLD_ === undefined) {
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

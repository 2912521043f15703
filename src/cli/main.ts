#!/usr/bin/env node
import { fileURLToPath } from 'node:url';

/**
 * What keeps the store's memory flat can only be set before a process starts: without it glibc keeps what large batches
 * took. So a command that writes runs in a process started with it.
 */
const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '2' };

const args = process.argv.slice(2);
if (process.platform === 'linux' && args[0] === 'index' && process.env.MALLOC_MMAP_THRESHOLD_ === undefined) {
  const { relay } = await import('./relay.ts');
  relay(fileURLToPath(import.meta.url), args, ALLOCATOR);
} else {
  const { report } = await import('./exit-codes.ts');
  // What nobody awaited is an error like any other: one line.
  process.on('uncaughtException', (error) => process.exit(report(error)));
  const { run } = await import('./program.ts');
  process.exitCode = await run(args);
}

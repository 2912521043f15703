#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

/**
 * What keeps the store's memory flat can only be set before a process starts: without it glibc keeps what large batches
 * took. So a command that writes runs in a process started with it.
 */
const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '2' };

/**
 * V8 would compile each parser a second time, which takes seconds and some 90 MB, for a fifth more speed. Only here: a
 * library must not set what holds for its whole process.
 */
setFlagsFromString('--liftoff-only');

const writes = process.argv[2] === 'index';
if (process.platform === 'linux' && writes && process.env.MALLOC_MMAP_THRESHOLD_ === undefined) {
  relay();
} else {
  const { run } = await import('./program.ts');
  process.exitCode = await run(process.argv.slice(2));
}

function relay(): void {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...process.execArgv, self, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...ALLOCATOR, ...process.env },
  });
  // A terminal sends Ctrl-C to both; what is sent to this process alone is passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`tidemark: cannot start: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

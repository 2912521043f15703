/** Parses two files, one after the other, where the system gives no thread for the second, and says what came of each. */
import { execFileSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { chunkSource } from '../../../src/chunk/chunk-source.ts';
import { ParserPool } from '../../../src/chunk/parser-pool.ts';
import { iterableSource } from '../../../src/read/byte-source.ts';

/** It takes some tenths of a second. */
const TEXT = Buffer.from('function f(x) { return x * 512; }\n'.repeat(15_000));
const NOBODY = 65534;
const pool = new ParserPool({ workers: 1 });

async function parse(): Promise<string> {
  for await (const _ of chunkSource(iterableSource([TEXT]), { pool, path: 'a.js' }));
  return 'parsed';
}

// All modules are loaded by then, and the threads that Node has for itself are started.
await parse();
execFileSync('prlimit', ['--nproc=1', `--pid=${process.pid}`]);
// The limit does not hold for root.
if (process.getuid!() === 0) process.setuid!(NOBODY);
const both = [parse(), parse()].map((parsed) => parsed.catch(String));
await setTimeout(20);
// The thread at work is replaced when it is done, and the other file waits for that.
await pool.recycle();
process.stdout.write(`${(await Promise.all(both)).join('\n')}\n`);

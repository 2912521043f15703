/** Parses in a thread that is thrown away, 240 times; prints the anonymous resident memory after each, in bytes. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { chunkSource } from '../../../src/chunk/chunk-source.ts';
import { ParserPool } from '../../../src/chunk/parser-pool.ts';
import { BASELINE_WASM } from '../../../src/cli/process-settings.ts';
import { iterableSource } from '../../../src/read/byte-source.ts';

const ROUNDS = 240;
const TEXT = Buffer.from('{ "name": "tidemark", "marks": [512, 384] }\n');

setFlagsFromString(BASELINE_WASM);
for (let round = 0; round < ROUNDS; round++) {
  await using pool = new ParserPool();
  let chunks = 0;
  for await (const batch of chunkSource(iterableSource([TEXT]), { pool, path: 'a.json' }))
    chunks += batch.length;
  if (chunks !== 1) throw new Error(`${chunks} chunks`);
  global.gc?.();
  const anonymous = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  process.stdout.write(`${Number(anonymous![1]) * 1024}\n`);
}

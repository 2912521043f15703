/** Parses in a thread that is thrown away, so many times as argv[2] says. */
import { chunkSource } from '../../../src/chunk/chunk-source.ts';
import { ParserPool } from '../../../src/chunk/parser-pool.ts';
import { iterableSource } from '../../../src/read/byte-source.ts';

const TEXT = Buffer.from('{ "name": "tidemark", "marks": [512, 384] }\n');

for (let round = 0; round < Number(process.argv[2]); round++) {
  await using pool = new ParserPool();
  let chunks = 0;
  for await (const batch of chunkSource(iterableSource([TEXT]), { pool, path: 'a.json' }))
    chunks += batch.length;
  if (chunks !== 1) throw new Error(`${chunks} chunks`);
}

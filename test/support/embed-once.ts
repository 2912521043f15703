import { setTimeout } from 'node:timers/promises';
import { Embedder } from '../../src/embed/embedder.ts';
import { sha256 } from '../../src/embed/sha256.ts';

// A program for tests that need more than one: embeds a text with the cache in argv[2] and prints the vector's hash.
// argv[3]: 'dispose', 'forget' (ends without disposing), or 'linger' (prints the child's pid and stays).
const embedder = new Embedder({ cacheDir: process.argv[2] });
const { vectors } = await embedder.embed(['two programs, one cache']);
const stats = await embedder.stats();
process.stdout.write(
  `${JSON.stringify({ hash: sha256(new Uint8Array(vectors.buffer)), pid: stats.processes[0]?.pid })}\n`,
);
if (process.argv[3] === 'dispose') await embedder.dispose();
if (process.argv[3] === 'linger') await setTimeout(600_000);

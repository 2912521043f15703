import { Embedder } from '../../src/embed/embedder.ts';
import { sha256 } from '../../src/embed/sha256.ts';

// A program for tests that need more than one: gets the model argv[2] of the hub that HF_ENDPOINT names into the cache
// argv[3], says so when bytes come or it waits, and prints the hash of a vector.
const said = new Set<string>();
const say = (line: string): void => {
  if (!said.has(line)) process.stdout.write(`${line}\n`);
  said.add(line);
};
await using embedder = new Embedder({
  model: process.argv[2],
  cacheDir: process.argv[3],
  onEvent: (event) => {
    if (event.type === 'download') say(event.waiting === null ? 'downloading' : event.waiting);
  },
});
const { vectors } = await embedder.embed(['red green']);
say(sha256(new Uint8Array(vectors.buffer)));

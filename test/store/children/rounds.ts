/** 60 rounds of adding, replacing and searching in the index argv[2]; prints the resident set after each, in bytes. */
import { readFileSync } from 'node:fs';
import { ChunkBatchBuilder, FileBatchBuilder } from '../../../src/store/batch.ts';
import { openStore } from '../../../src/store/open.ts';
import { chunkRow, fileRow, seededRandom } from '../../support/store-rows.ts';

const ROUNDS = 60;
const FILES = 200;
const DIMENSIONS = 64;

/** Anonymous memory: pages of mapped files come and go with the page cache. */
const rss = (): number => {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? process.memoryUsage().rss / 1024) * 1024;
};

const random = seededRandom(9);
await using store = await openStore(process.argv[2]!, { create: true, mode: 'write' });
await store.setModel({ id: 'm', dtype: 'fp32', dimensions: DIMENSIONS });
const chunks = new ChunkBatchBuilder();
const files = new FileBatchBuilder();
let old: { seq: bigint; rev: bigint }[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const fresh: typeof old = [];
  const keys = [];
  for (let f = 0; f < FILES; f++) {
    const row = { seq: store.nextSeq(), rev: store.nextRev(), path: `d${f % 7}/f${f}.ts` };
    const terms = Array.from({ length: 20 }, () => `w${Math.floor(random() * 5000)}`).join(' ');
    // The same ids each round: the vectors of the first one come alive again.
    const id = row.path;
    chunks.append(chunkRow({ ...row, id, terms, text: terms.repeat(20) }));
    files.append(fileRow(row));
    keys.push({ id, hash: id, path: row.path, language: null, kind: 'code' as const });
    fresh.push(row);
  }
  await store.addChunks(chunks);
  await store.addFiles(files);
  await store.deleteChunksBySeq(old.map((row) => row.seq));
  await store.deleteFilesByRev(old.map((row) => row.rev));
  old = fresh;
  if (round % 10 === 0)
    await store.addVectors(
      keys,
      Float32Array.from({ length: FILES * DIMENSIONS }, () => random() - 0.5),
    );
  for (let q = 0; q < 3; q++) {
    await store.searchLexical({ terms: [`w${q * 100}`, 'w7'] }, { path: 'd3/**' }, 10);
    await store.searchSemantic(
      Float32Array.from({ length: DIMENSIONS }, () => random() - 0.5),
      {},
      10,
    );
  }
  for await (const _ of store.files()) break;
  global.gc?.();
  process.stdout.write(`${rss()}\n`);
}

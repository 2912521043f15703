/** Commits flush after flush to the index argv[2] until it is killed; each round replaces the files of the last one. */
import { ChunkBatchBuilder, FileBatchBuilder } from '../../../src/store/batch.ts';
import { openStore } from '../../../src/store/open.ts';
import type { FileRow } from '../../../src/store/schema.ts';
import { chunkRow, fileRow } from '../../support/store-rows.ts';

const FILES = 20;
const CHUNKS = 5;

const store = await openStore(process.argv[2]!, { create: true, mode: 'write' });
const chunks = new ChunkBatchBuilder();
const files = new FileBatchBuilder();
process.stdout.write('ready\n');
for (;;) {
  const old: FileRow[] = [];
  for await (const batch of store.filesInRange(null, null)) old.push(...batch);
  const round = `${Date.now()}-${store.maxSeq}`;
  for (let f = 0; f < FILES; f++) {
    const [seq, rev, path] = [store.nextSeq(), store.nextRev(), `f${f}.ts`];
    for (let ordinal = 0; ordinal < CHUNKS; ordinal++)
      chunks.append(chunkRow({ id: `${path}-${ordinal}-${round}`, seq, ordinal, path }));
    files.append(fileRow({ rev, seq, path, chunks: CHUNKS, hash: round }));
  }
  await store.addChunks(chunks);
  await store.addFiles(files);
  await store.deleteChunksBySeq(old.map((row) => row.seq));
  await store.deleteFilesByRev(old.map((row) => row.rev));
}

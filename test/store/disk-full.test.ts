import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { chunkBatch, chunkRow, fileBatch, fileRow, temporaryDir } from '../support/store-rows.ts';

test('a full disk stops the writer with what is committed intact, and it goes on when there is space', async (t) => {
  const mountPoint = await temporaryDir(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', mountPoint], { stdio: 'ignore' });
  } catch {
    return t.skip('mounting a small tmpfs is not permitted here');
  }
  const dir = path.join(mountPoint, '.tidemark');
  try {
    let committed = 0;
    {
      await using store = await openStore(dir, { create: true, mode: 'write' });
      const flush = async () => {
        const seq = store.nextSeq();
        const file = `f${seq}.ts`;
        // Text that does not compress.
        const text = () => Array.from({ length: 500 }, () => Math.random().toString(36).slice(2)).join('');
        await store.addChunks(
          chunkBatch(
            Array.from({ length: 100 }, (_, ordinal) =>
              chunkRow({ id: `${file}-${ordinal}`, seq, ordinal, path: file, text: text() }),
            ),
          ),
        );
        await store.addFiles(fileBatch([fileRow({ rev: store.nextRev(), seq, path: file, chunks: 100 })]));
        committed += 1;
      };
      await writeFile(path.join(mountPoint, 'ballast'), Buffer.alloc(1 << 20));
      await assert.rejects(
        async () => {
          for (let i = 0; i < 100; i++) await flush();
        },
        { code: 'ERR_TIDEMARK_DISK_FULL', message: /no space left on the disk of .*; free some space/ },
      );
    }
    assert.ok(committed > 0);
    // Not a byte is free, yet the lock was given back and readers still read.
    {
      await using reader = await openStore(dir, { create: false, mode: 'read' });
      assert.equal((await reader.counts()).files.pending.files, committed);
    }
    await rm(path.join(mountPoint, 'ballast'));
    await using store = await openStore(dir, { create: false, mode: 'write' });
    const { files, chunks } = await store.counts();
    assert.deepEqual(files.pending, { files: committed, chunks: committed * 100 });
    assert.equal(chunks, committed * 100);
  } finally {
    execFileSync('umount', ['-l', mountPoint]);
  }
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../src/store/open.ts';
import { collectAll, seededRandom, temporaryDir } from '../support/store-rows.ts';

const WRITER = fileURLToPath(new URL('./children/writer.ts', import.meta.url));

test('kill -9 at any moment leaves whole files, and a reader beside the writer sees whole files', async (t) => {
  const dir = path.join(await temporaryDir(t), '.tidemark');
  const random = seededRandom(11);
  let lastSeq = 0n;
  let advanced = 0;
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, ['--import', 'tsx', WRITER, dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    {
      await using reader = await openStore(dir, { create: false, mode: 'read' });
      for (let look = 0; look < 5; look++) {
        await sleep(random() * 30);
        const hits = await reader.searchLexical({ terms: ['common'] }, {}, 1000);
        // A file that is replaced between two queries may be missing from the answer, but never doubled.
        assert.equal(new Set(hits.map((hit) => `${hit.row.path} ${hit.row.ordinal}`)).size, hits.length);
        const paths = (await collectAll(reader.files())).map((row) => row.path);
        assert.equal(new Set(paths).size, paths.length);
      }
    }
    child.kill('SIGKILL');
    await once(child, 'exit');

    await using store = await openStore(dir, { create: false, mode: 'write' });
    const files = await collectAll(store.files());
    if (files.length > 0) assert.equal(files.length, 20);
    for (const file of files) {
      const rows = (await collectAll(store.chunksOfFiles([file], ['ordinal', 'path', 'id']))).flat();
      assert.deepEqual(rows.map((row) => row.ordinal).sort(), [0, 1, 2, 3, 4]);
      assert.ok(rows.every((row) => row.path === file.path && row.id.endsWith(file.hash)));
    }
    if (store.maxSeq > lastSeq) advanced += 1;
    lastSeq = store.maxSeq;
  }
  assert.ok(advanced >= 3, `only ${advanced} writers committed anything`);
});

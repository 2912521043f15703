import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ALLOCATOR } from '../../src/cli/process-settings.ts';
import { FileBatchBuilder } from '../../src/store/batch.ts';
import { openStore } from '../../src/store/open.ts';
import { fileRow } from './store-rows.ts';

const CHILD = fileURLToPath(new URL('../store/children/listing.ts', import.meta.url));
const COMMIT_ROWS = 4096;

/** How to list: as tidemark does, by a growing offset, or all at once. */
export type ListingWay = 'keys' | 'offset' | 'unbounded';

export interface Listing {
  readonly files: number;
  readonly milliseconds: number;
  /** By which the resident set of the process had grown at its highest. */
  readonly grownBytes: number;
}

/** A file in so many is written once more: those lie at the end of the table. */
const CHANGED_EVERY = 20;

/** Makes an index of so many files without chunks: written in the order of the walk, and some of them changed later. */
export async function writeFileRows(dir: string, files: number): Promise<void> {
  await using store = await openStore(dir, { create: true, mode: 'write' });
  const batch = new FileBatchBuilder();
  const pathOf = (file: number) =>
    `packages/p${String(Math.floor(file / 1000)).padStart(5, '0')}/src/folder/module-${String(file % 1000).padStart(4, '0')}.ts`;
  const changed = Array.from({ length: files / CHANGED_EVERY }, (_, i) => i * CHANGED_EVERY);
  const all = [...Array.from({ length: files }, (_, file) => file), ...changed];
  for (const [i, file] of all.entries()) {
    batch.append(fileRow({ rev: store.nextRev(), seq: store.nextSeq(), path: pathOf(file), chunks: 0 }));
    if (batch.rows === COMMIT_ROWS || i === all.length - 1) await store.addFiles(batch);
  }
  await store.maintain();
}

/** Lists them in a process of its own. */
export async function listFiles(way: ListingWay, dir: string): Promise<Listing> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--max-semi-space-size=2', '--import', 'tsx', CHILD, way, dir],
    { env: { ...process.env, ...ALLOCATOR } },
  );
  const [files, milliseconds, grownBytes] = stdout.trim().split(' ').map(Number) as [number, number, number];
  return { files, milliseconds, grownBytes };
}

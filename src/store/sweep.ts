import { opendir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';

const STALE_DRAFT_MS = 3_600_000;
const ignoreMissing = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
};

/** The private directory for what index builds spill. */
export const scratchDir = (dir: string): string => path.join(dir, 'tmp');

/**
 * Removes what a killed writer leaves behind and nothing else would: half-written data files and spilled sort runs.
 * Only under the writer's lock. Returns the number of entries removed.
 */
export async function sweepLeftovers(dir: string, tablesDir: string): Promise<number> {
  let removed = 0;
  for (const entry of (await readdir(tablesDir).catch(ignoreMissing)) ?? []) {
    if (!entry.endsWith('.lance')) continue;
    removed += await removeMatching(path.join(tablesDir, entry, 'data'), (name) => name.startsWith('.tmp'));
  }
  removed += await removeMatching(scratchDir(dir), () => true);
  removed += await removeMatching(dir, (name) => /^meta\.json\..+\.tmp$/.test(name));
  // A draft may belong to a process that asks for the lock right now.
  removed += await removeMatching(path.join(dir, 'lock'), (name) => name.endsWith('.tmp'), STALE_DRAFT_MS);
  return removed;
}

async function removeMatching(dir: string, matches: (name: string) => boolean, olderThanMs = 0) {
  let removed = 0;
  const entries = await opendir(dir).catch(ignoreMissing);
  if (entries === null) return 0;
  for await (const { name } of entries) {
    if (!matches(name)) continue;
    const file = path.join(dir, name);
    const age = Date.now() - ((await stat(file).catch(ignoreMissing))?.mtimeMs ?? 0);
    if (age < olderThanMs) continue;
    await rm(file, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

/** Bytes of all files below `dir`; what vanishes meanwhile counts as nothing. */
export async function directoryBytes(dir: string): Promise<number> {
  let bytes = 0;
  const entries = await opendir(dir).catch(ignoreMissing);
  if (entries === null) return 0;
  for await (const entry of entries) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) bytes += await directoryBytes(file);
    else bytes += (await stat(file).catch(ignoreMissing))?.size ?? 0;
  }
  return bytes;
}

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type WalkEntry, type WalkOptions, walk } from '../../src/walk/walk.ts';

/** A directory that is gone when the test ends. */
export function temporaryDirectory(t: TestContext): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'tidemark-walk-')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** Writes the files, path to content, with the directories that they need. */
export function writeTree(root: string, files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

export async function collect(root: string, options?: WalkOptions): Promise<WalkEntry[]> {
  const entries: WalkEntry[] = [];
  for await (const entry of walk(root, options)) entries.push(entry);
  return entries;
}

/** The paths of the walked files, without the ignore files themselves. */
export async function walkedPaths(root: string, options?: WalkOptions): Promise<string[]> {
  const entries = await collect(root, options);
  return entries.filter((e) => e.type === 'file' && !/ignore$/.test(e.path)).map((e) => e.path);
}

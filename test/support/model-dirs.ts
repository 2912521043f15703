import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A model cache that test files share, so that not each of them converts the model anew. */
export const sharedCache = join(tmpdir(), `tidemark-test-cache-${userInfo().username}`);

/** An empty directory that is gone after the test. */
export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
  context.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasChecksum } from './checksum.ts';
import type { HubFile, HubListing } from './hub-listing.ts';
import { fileSize, writeAtomically } from './model-cache.ts';
import { isCommit } from './model-name.ts';

/**
 * Models of the hub in the model cache: `hub/OWNER/NAME/` holds a directory for each commit, the list of its files as
 * `COMMIT.json`, and in `refs/` which commit a branch was when it was last looked up.
 */
export class HubCache {
  /** The directory of the model. */
  readonly directory: string;

  constructor(cacheRoot: string, id: string) {
    this.directory = join(cacheRoot, 'tidemark', 'hub', ...id.split('/'));
  }

  snapshot(commit: string): string {
    return join(this.directory, commit);
  }

  /** The commit that a revision is or was; null where it was never looked up. */
  async commitOf(revision: string): Promise<string | null> {
    return isCommit(revision) ? revision : readCommit(this.#ref(revision));
  }

  /** Null where there is none that can be read. */
  async readListing(commit: string): Promise<HubListing | null> {
    try {
      return JSON.parse(await readFile(this.#listing(commit), 'utf8')) as HubListing;
    } catch {
      return null;
    }
  }

  /** @throws ModelCacheError */
  async remember(revision: string, listing: HubListing): Promise<void> {
    const text = JSON.stringify(listing);
    if (JSON.stringify(await this.readListing(listing.commit)) !== text) {
      await writeAtomically(this.#listing(listing.commit), [Buffer.from(text)]);
    }
    if (isCommit(revision) || (await this.commitOf(revision)) === listing.commit) return;
    await writeAtomically(this.#ref(revision), [Buffer.from(listing.commit)]);
  }

  #ref(revision: string): string {
    return join(this.directory, 'refs', encodeURIComponent(revision));
  }

  #listing(commit: string): string {
    return `${this.snapshot(commit)}.json`;
  }
}

/** Those of the files that do not lie in `directory` with the size that they are to have. */
export async function missingFiles(
  directory: string,
  files: readonly HubFile[],
): Promise<readonly HubFile[]> {
  const missing: HubFile[] = [];
  for (const file of files) {
    const size = await fileSize(join(directory, file.path));
    if (size < 0 || (file.size !== null && size !== file.size)) missing.push(file);
  }
  return missing;
}

/** Those of the files that lie in `directory` with a wrong content. */
export async function corruptFiles(
  directory: string,
  files: readonly HubFile[],
): Promise<readonly HubFile[]> {
  const corrupt: HubFile[] = [];
  for (const file of files) {
    const path = join(directory, file.path);
    if (file.checksum === null || (await fileSize(path)) < 0) continue;
    if (!(await hasChecksum(path, file.checksum))) corrupt.push(file);
  }
  return corrupt;
}

/** Where the hub's own tools have put a revision of a model, if they have; see `sharedCache` of the settings. */
export async function findShared(
  sharedCache: string,
  id: string,
  revision: string,
): Promise<{ commit: string; directory: string } | null> {
  const directory = join(sharedCache, `models--${id.replace('/', '--')}`);
  const commit = isCommit(revision) ? revision : await readCommit(join(directory, 'refs', revision));
  return commit === null ? null : { commit, directory: join(directory, 'snapshots', commit) };
}

async function readCommit(path: string): Promise<string | null> {
  const text = (await readFile(path, 'utf8').catch(() => '')).trim();
  return isCommit(text) ? text : null;
}

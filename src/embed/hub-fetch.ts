import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatSize } from '../memory/size.ts';
import { waitForLock } from './cache-lock.ts';
import { type Checksum, checksumOf } from './checksum.ts';
import { ModelCacheError, ModelIntegrityError } from './errors.ts';
import { type HubCache, missingFiles } from './hub-cache.ts';
import type { HubClient } from './hub-client.ts';
import { downloadFile } from './hub-download.ts';
import { type HubFile, type HubListing, parseListing } from './hub-listing.ts';
import { retry } from './hub-retry.ts';
import { fileSize } from './model-cache.ts';

/** How the download of a model goes. */
export interface DownloadEvent {
  readonly type: 'download';
  /** As the hub names it. */
  readonly model: string;
  /** Of all its files together, with what was there before. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Why it stands still; null while it goes on. */
  readonly waiting: string | null;
}

/** What a download takes. */
export interface HubJob {
  readonly client: HubClient;
  readonly id: string;
  readonly signal: AbortSignal;
  readonly emit: (event: DownloadEvent) => void;
}

interface SizedFile {
  readonly path: string;
  readonly size: number;
  readonly checksum: Checksum;
}

const EVENT_EVERY_MS = 100;

/** Asks the hub what a revision is and what it holds. @throws what {@link retry} throws; ModelDownloadError */
export async function fetchListing(job: HubJob, revision: string): Promise<HubListing> {
  const { client, id, signal } = job;
  const path = `api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const onRetry = (reason: string) => report(job, 0, 0, reason);
  const ask = () => client.json(path, signal);
  return parseListing(await retry(ask, { signal, timing: client.timing, onRetry }), client.endpoint);
}

/**
 * Downloads those of the files that are not in the cache. Of several processes one downloads and the others wait.
 * @throws ModelCacheError, ModelIntegrityError; what {@link retry} throws; the signal's reason
 */
export async function fetchFiles(
  job: HubJob,
  cache: HubCache,
  commit: string,
  files: readonly HubFile[],
): Promise<void> {
  const directory = cache.snapshot(commit);
  if ((await missingFiles(directory, files)).length === 0) return;
  const busy = () => report(job, 0, 0, 'another process downloads it');
  await using _lock = await waitForLock(cache.directory, job.signal, busy);
  const missing = await missingFiles(directory, files);
  const sized: SizedFile[] = [];
  for (const file of missing) sized.push(await completed(job, commit, file));
  const left = sized.reduce((sum, { size }) => sum + size, 0);
  const there = files
    .filter((file) => !missing.includes(file))
    .reduce((sum, { size }) => sum + (size ?? 0), 0);
  await assertRoom(cache.directory, directory, sized, job.id);
  let done = there;
  let reported = 0;
  for (const { path, size, checksum } of sized) {
    const before = done;
    await downloadFile(job.client, {
      url: fileUrl(job.id, commit, path),
      path: join(directory, path),
      size,
      checksum,
      signal: job.signal,
      onBytes: (bytes) => {
        done = before + bytes;
        if (performance.now() - reported < EVENT_EVERY_MS && done < there + left) return;
        reported = performance.now();
        report(job, done, there + left, null);
      },
      onRetry: (reason) => report(job, done, there + left, reason),
    });
  }
}

function fileUrl(id: string, commit: string, path: string): string {
  return `${id}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** A list without sizes and hashes, as some mirrors give it, is completed by what the hub says about each file. */
async function completed(job: HubJob, commit: string, file: HubFile): Promise<SizedFile> {
  const { path } = file;
  if (file.size !== null && file.checksum !== null) return { path, size: file.size, checksum: file.checksum };
  const { client, id, signal } = job;
  const url = fileUrl(id, commit, path);
  const ask = async () => {
    const { headers, hubHeaders, body } = await client.fetch(url, { method: 'HEAD', signal });
    await body.dump();
    return {
      size: hubHeaders['x-linked-size'] ?? headers['content-length'],
      etag: hubHeaders['x-linked-etag'] ?? hubHeaders.etag,
    };
  };
  const onRetry = (reason: string) => report(job, 0, 0, reason);
  const told = await retry(ask, { signal, timing: client.timing, onRetry });
  const size = told.size ? Number(told.size) : Number.NaN;
  const checksum = checksumOf(told.etag);
  if (checksum !== null && Number.isSafeInteger(size)) return { path, size, checksum };
  throw new ModelIntegrityError(
    `${client.endpoint} does not tell the size and hash of ${url}, so what comes could not be checked. Use another mirror.`,
  );
}

/** Better now than after an hour. @throws ModelCacheError */
async function assertRoom(
  place: string,
  directory: string,
  files: readonly SizedFile[],
  id: string,
): Promise<void> {
  let needed = 0;
  for (const { path, size } of files)
    needed += size - Math.max(0, await fileSize(`${join(directory, path)}.part`));
  const { bavail, bsize } = await statfs(place);
  if (bavail * bsize >= needed) return;
  throw new ModelCacheError(
    `The disk of the model cache ${place} has ${formatSize(bavail * bsize)} left, and ${id} takes ${formatSize(needed)}. Make room or set TIDEMARK_CACHE to a directory on another disk.`,
  );
}

function report({ id, emit }: HubJob, doneBytes: number, totalBytes: number, waiting: string | null): void {
  emit({ type: 'download', model: id, doneBytes, totalBytes, waiting });
}

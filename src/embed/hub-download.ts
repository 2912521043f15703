import type { Checksum } from './checksum.ts';
import { ModelIntegrityError } from './errors.ts';
import type { HubClient, HubResponse } from './hub-client.ts';
import { retry, TransferError } from './hub-retry.ts';
import { PartFile } from './part-file.ts';

export interface Download {
  /** Of the file, below the hub's address. */
  readonly url: string;
  /** Where it is to lie. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  readonly checksum: Checksum;
  readonly signal: AbortSignal;
  /** Told how many bytes of the file are there; fewer than before where it begins anew. */
  readonly onBytes: (bytes: number) => void;
  readonly onRetry: (reason: string) => void;
}

/** So much between two failures, and they are no failures in a row. */
const PROGRESS_BYTES = 1 << 18;

/**
 * Downloads a file into `PATH.part`, going on from what is there, and gives it its name when its size and its hash are
 * right. Memory does not depend on its size. On failure, what has come is kept for the next time.
 * @throws ModelIntegrityError when the server sends other bytes twice; ModelCacheError; what {@link retry} throws
 */
export async function downloadFile(client: HubClient, download: Download): Promise<void> {
  const { path, size, checksum, signal, onBytes, onRetry } = download;
  await using part = await PartFile.open(path, checksum, size);
  let wrong = 0;
  let mark = part.size;
  const attempt = async (): Promise<void> => {
    mark = part.size;
    if (part.size > size) await part.reset();
    onBytes(part.size);
    if (part.size < size) await receive(client, part, download);
    if (part.size < size) throw new TransferError(`the answer ended after ${part.size} of ${size} bytes`);
    if (part.size === size && part.digest === checksum.hex) return;
    await part.reset();
    // Once may be a resumed file of which the beginning was bad, or a connection that garbles.
    if (++wrong < 2) throw new TransferError('the bytes that came are not those of the file');
    throw new ModelIntegrityError(
      `${client.endpoint}/${download.url} came twice with wrong content: not the ${size} bytes with ${checksum.algorithm === 'git' ? 'git hash' : 'SHA-256'} ${checksum.hex.slice(0, 12)} that its hub lists. A proxy or a mirror may change it.`,
    );
  };
  const progressed = () => part.size - mark >= PROGRESS_BYTES;
  await retry(attempt, { signal, timing: client.timing, progressed, onRetry });
  await part.publish();
}

/** Asks for what is missing and appends what comes, one byte too many at most. */
async function receive(client: HubClient, part: PartFile, download: Download): Promise<void> {
  const { size, signal, onBytes } = download;
  const headers: Record<string, string> = {};
  if (part.size > 0) {
    headers.range = `bytes=${part.size}-`;
    if (part.etag !== null) headers['if-range'] = part.etag;
  }
  const response = await client.fetch(download.url, { headers, signal });
  const { body } = response;
  try {
    await align(part, response);
    for await (const bytes of body) {
      await part.append((bytes as Buffer).subarray(0, size - part.size + 1));
      onBytes(Math.min(part.size, size));
      if (part.size > size) return;
    }
  } finally {
    body.on('error', () => {}).destroy();
  }
}

/** Makes sure that the first byte of the answer is the next one of the file. */
async function align(part: PartFile, { status, headers }: HubResponse): Promise<void> {
  if (status === 206) {
    const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1];
    if (start === undefined || Number(start) === part.size) return;
    await part.reset();
    throw new TransferError('the server sent another part of the file than it was asked for');
  }
  if (part.size > 0) await part.reset();
  if (status === 416) throw new TransferError('the server has no such part of the file');
  // A weak one does not promise the same bytes.
  const { etag } = headers;
  if (etag !== undefined && /^"[^"]*"$/.test(etag)) await part.setEtag(etag);
}

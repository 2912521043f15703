import { createHash } from 'node:crypto';
import type { IndexedChunk } from '../chunk/chunk.ts';
import { type ChunkReport, chunkSource, WINDOW_BYTES } from '../chunk/chunk-source.ts';
import { type ParserPool, ParserTrap } from '../chunk/parser-pool.ts';
import { fileSource } from '../read/byte-source.ts';
import type { FileRow } from '../store/schema.ts';
import { resolvePath } from '../walk/resolve-path.ts';
import type { WalkedFile } from '../walk/walk.ts';
import type { KnownFile } from './known-files.ts';

/** A file's content hash (hex, 128 bits of SHA-256) and how it was chunked; `bytes` were read. */
export interface FileReport extends ChunkReport {
  readonly hash: string;
  readonly bytes: number;
}

/** What came of preparing a file. */
export type Outcome =
  | { readonly type: 'unchanged' }
  | { readonly type: 'touched'; readonly row: FileRow }
  | { readonly type: 'chunked'; readonly chunks: readonly IndexedChunk[][]; readonly report: FileReport }
  | { readonly type: 'unreadable'; readonly reason: string }
  /** Too large to wait in memory: chunked when its turn comes. */
  | { readonly type: 'stream' };

/**
 * What a file in hand takes at most, bytes: its window here and in a worker, and its chunks with their terms; of a large
 * file those of two windows.
 */
export function leaseBytes(file: WalkedFile): number {
  return 64 * 1024 + (isSmall(file) ? 8 * file.size : 12 * WINDOW_BYTES);
}

/** What a file may have grown by since the walk saw it, and still wait in memory. */
const MOST_GROWN_BYTES = 64 * 1024;

/** True for a file that fits one window: its chunks may wait in memory for their turn. */
export function isSmall(file: WalkedFile): boolean {
  return file.size <= WINDOW_BYTES;
}

/** Chunks a file of the tree; yields the chunks of each window. Throws what `fs.open` and reading throw. */
export async function* chunkTreeFile(
  root: string,
  file: WalkedFile,
  pool: ParserPool,
  signal: AbortSignal,
): AsyncGenerator<IndexedChunk[], FileReport> {
  await using source = await fileSource(resolvePath(root, file.path));
  const digest = createHash('sha256');
  let bytes = 0;
  const report = yield* chunkSource(source, {
    pool,
    path: file.path,
    sizeHint: file.size,
    indexed: true,
    skipBinary: true,
    signal,
    onBytes: (part) => {
      digest.update(part);
      bytes += part.byteLength;
    },
  });
  return { ...report, bytes, hash: digest.digest('hex').slice(0, 32) };
}

/** The hash alone, for a file that may be unchanged in spite of its time stamp. */
export async function hashTreeFile(root: string, file: WalkedFile, signal: AbortSignal): Promise<string> {
  await using source = await fileSource(resolvePath(root, file.path));
  const digest = createHash('sha256');
  const buffer = new Uint8Array(Math.max(1, Math.min(file.size + 1, 256 * 1024)));
  for (let n = await source.read(buffer); n > 0; n = await source.read(buffer)) {
    signal.throwIfAborted();
    digest.update(buffer.subarray(0, n));
  }
  return digest.digest('hex').slice(0, 32);
}

/** Does of a file what can be done ahead of its turn. */
export async function prepareFile(
  root: string,
  { file, row, outdated }: KnownFile,
  pool: ParserPool,
  signal: AbortSignal,
): Promise<Outcome> {
  if (row !== null && !outdated && row.size === file.size) {
    const hash = await hashTreeFile(root, file, signal);
    if (hash === row.hash) return { type: 'touched', row };
  }
  if (!isSmall(file)) return { type: 'stream' };
  const chunks: IndexedChunk[][] = [];
  const job = chunkTreeFile(root, file, pool, signal);
  let bytes = 0;
  for (;;) {
    const next = await job.next();
    if (next.done) return { type: 'chunked', chunks, report: next.value };
    bytes = next.value.at(-1)?.endByte ?? bytes;
    if (bytes > file.size + MOST_GROWN_BYTES) {
      // Larger than the walk said: it is being written, or the file system tells no size.
      await job.return(undefined as never);
      return { type: 'stream' };
    }
    chunks.push(next.value);
  }
}

/** Why a file is left out, from what was thrown; null for what is not the file's fault. */
export function reasonOf(error: unknown): string | null {
  if (error instanceof ParserTrap) return 'parser-failed';
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'vanished';
  return syscall === undefined ? null : 'unreadable';
}

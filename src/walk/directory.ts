import { type BigIntStats, type Dirent, lstat } from 'node:fs';
import { opendir } from 'node:fs/promises';
import type { ByteString } from './byte-string.ts';
import { toFsPath } from './byte-string.ts';
import { errorCode, WalkFailedError } from './errors.ts';

/**
 * Why an entry was not walked: `symlink` (never followed), `special-file` (socket, FIFO, device), `unreadable`
 * (no permission, or an error of the disk), `path-too-long` (the system refuses the path).
 */
export type SkipReason = 'symlink' | 'special-file' | 'unreadable' | 'path-too-long';

/**
 * A name with what it is in its last characters, so that a listing is one string an entry and sorting it puts
 * each directory where its content belongs: `name` is a file, `name/` a directory, `name\0l` a symlink,
 * `name\0s` something else. No name can hold `/` or NUL.
 */
export type ListedName = ByteString;

export const SYMLINK_MARK = '\0l';
export const SPECIAL_MARK = '\0s';

export interface FileStats {
  readonly size: number;
  readonly mtimeNs: bigint;
}

const READ_AHEAD = 1024;

/**
 * All names in the directory, in no order; undefined where it has vanished. The handle is closed in any case.
 *
 * @throws WalkFailedError, and `signal.reason` when aborted
 */
export async function listDirectory(
  path: ByteString,
  signal?: AbortSignal,
  encoding: 'latin1' | 'buffer' = 'latin1',
): Promise<ListedName[] | SkipReason | undefined> {
  const names: ListedName[] = [];
  let opened = false;
  try {
    // @types/node knows no 'buffer' here, Node.js does.
    const handle = await opendir(toFsPath(path) as string, {
      encoding: encoding as BufferEncoding,
      bufferSize: READ_AHEAD,
    });
    opened = true;
    try {
      let entry = await handle.read();
      while (entry !== null) {
        // The rest of what one read brought is in memory: a promise for each would take twice the time.
        for (let left = READ_AHEAD; entry !== null && --left > 0; entry = handle.readSync()) {
          names.push(listedName(entry));
        }
        if (entry === null) break;
        names.push(listedName(entry));
        signal?.throwIfAborted();
        entry = await handle.read();
      }
    } finally {
      handle.closeSync();
    }
    return names;
  } catch (error) {
    signal?.throwIfAborted();
    // Where the file system does not tell types, Node.js asks for each by its path, which it gets wrong for
    // latin1 names that are not ASCII; it gets it right for buffers, which cost more.
    if (opened && encoding === 'latin1' && errorCode(error) === 'ENOENT') {
      return listDirectory(path, signal, 'buffer');
    }
    return skipReason(path, error);
  }
}

/** Stats of files, concurrently; in place of one a reason why not, or undefined where it is no file any more. */
export function statFiles(paths: readonly ByteString[]): Promise<(FileStats | SkipReason | undefined)[]> {
  return new Promise((done, fail) => {
    const results: (FileStats | SkipReason | undefined)[] = new Array(paths.length).fill(undefined);
    let left = paths.length;
    if (left === 0) done(results);
    // Callbacks, not promises: this is the hot path of the walk, and they take half the time.
    for (const [index, path] of paths.entries()) {
      lstat(toFsPath(path), { bigint: true }, (error, stats) => {
        try {
          results[index] = error ? skipReason(path, error) : fileStats(stats);
        } catch (failure) {
          fail(failure as Error);
        }
        if (--left === 0) done(results);
      });
    }
  });
}

function fileStats(stats: BigIntStats): FileStats | SkipReason | undefined {
  if (stats.isFile()) return { size: Number(stats.size), mtimeNs: stats.mtimeNs };
  if (stats.isSymbolicLink()) return 'symlink';
  // Replaced by a directory since it was listed: its place in the order has passed, the next walk finds it.
  return stats.isDirectory() ? undefined : 'special-file';
}

function listedName(entry: Dirent): ListedName {
  const { name } = entry as { name: string | Buffer };
  const bytes = typeof name === 'string' ? name : name.toString('latin1');
  if (entry.isFile()) return bytes;
  if (entry.isDirectory()) return `${bytes}/`;
  return bytes + (entry.isSymbolicLink() ? SYMLINK_MARK : SPECIAL_MARK);
}

/** Undefined for what has vanished. */
function skipReason(path: ByteString, error: unknown): SkipReason | undefined {
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return undefined;
    case 'ENAMETOOLONG':
      return 'path-too-long';
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
      throw new WalkFailedError(toFsPath(path).toString(), { cause: error });
    default:
      return 'unreadable';
  }
}

import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { ModelCacheError } from './errors.ts';

const TEMPORARY = '.tmp';
/** A temporary file this old belongs to a process that was killed: a conversion takes seconds. */
const STALE_MS = 15 * 60 * 1000;

/**
 * Where converted models are kept: $TIDEMARK_CACHE, or the user's cache directory as the platform has it
 * (https://specifications.freedesktop.org/basedir-spec/latest/ on Linux).
 */
export function defaultCacheRoot(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (env.TIDEMARK_CACHE) return env.TIDEMARK_CACHE;
  if (platform === 'win32') return env.LOCALAPPDATA || join(home, 'AppData', 'Local');
  if (platform === 'darwin') return join(home, 'Library', 'Caches');
  // The specification has relative paths ignored.
  return env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(home, '.cache');
}

export function modelDirectory(cacheRoot: string, modelId: string): string {
  return join(cacheRoot, 'tidemark', 'models', ...modelId.split('/'));
}

/** Size of a regular file in bytes, or -1. */
export async function fileSize(path: string): Promise<number> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats.size : -1;
  } catch {
    return -1;
  }
}

/**
 * Writes `path` so that it is there as a whole or not at all: a temporary file beside it, fsync, rename. Several
 * processes may write the same content at once; whichever comes last wins.
 * @throws ModelCacheError naming the directory and TIDEMARK_CACHE
 */
export async function writeAtomically(path: string, content: Iterable<Uint8Array>): Promise<void> {
  const directory = dirname(path);
  const temporary = join(
    directory,
    `${basename(path)}.${process.pid}.${randomBytes(6).toString('hex')}${TEMPORARY}`,
  );
  let length = 0;
  try {
    await mkdir(directory, { recursive: true });
    const handle = await open(temporary, 'wx');
    try {
      for (const part of content) {
        await handle.writeFile(part);
        length += part.length;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path).catch(async (error: unknown) => {
      // Windows refuses to replace a file that another process has open: then that one has it already.
      if ((await fileSize(path)) !== length) throw error;
      await rm(temporary, { force: true });
    });
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw cacheError(directory, error);
  }
}

/** Removes what processes that were killed while writing have left in `directory`. */
export async function sweepTemporaries(directory: string, olderThanMs: number = STALE_MS): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((entry) => entry.endsWith(TEMPORARY))) {
    const path = join(directory, name);
    const stats = await stat(path).catch(() => null);
    if (stats && Date.now() - stats.mtimeMs > olderThanMs) await rm(path, { force: true }).catch(() => {});
  }
}

/** The error to throw where `directory` could not be written. */
export function cacheError(directory: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  // An error without a system code comes from the content, not from the directory.
  if (typeof code !== 'string' || code.startsWith('ERR_')) return error;
  const message = `Cannot write the model cache ${directory} (${code}). Make room or set TIDEMARK_CACHE to a directory that can be written.`;
  return new ModelCacheError(message, { cause: error });
}

import { opendir, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { parse, resolve, sep } from 'node:path';
import {
  errorCode,
  RootMissingError,
  RootNotADirectoryError,
  RootUnreadableError,
  UnsafeRootError,
} from './errors.ts';

/**
 * The real, absolute path of a directory that can be listed.
 *
 * @throws RootMissingError, RootNotADirectoryError or RootUnreadableError
 */
export async function resolveRoot(root: string): Promise<string> {
  const given = resolve(root);
  try {
    const real = await realpath(given);
    if (!(await stat(real)).isDirectory()) throw new RootNotADirectoryError(given);
    const handle = await opendir(real);
    await handle.close();
    return real;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') throw new RootMissingError(given, { cause: error });
    if (code === 'ENOTDIR') throw new RootNotADirectoryError(given, { cause: error });
    if (error instanceof RootNotADirectoryError) throw error;
    throw new RootUnreadableError(given, { cause: error });
  }
}

/**
 * Refuses a root that is rarely meant: the file system's root, a drive's, the home directory, or a parent of it
 * (symlinks resolved). `force` lets them pass.
 *
 * @throws UnsafeRootError (ERR_TIDEMARK_UNSAFE_ROOT), and what {@link resolveRoot} throws
 */
export async function assertSafeRoot(root: string, options: { force?: boolean } = {}): Promise<void> {
  const real = await resolveRoot(root);
  if (options.force) return;
  if (parse(real).root === real) throw new UnsafeRootError(real, 'the root of the file system');
  const home = await realHome();
  if (home === undefined) return;
  if (samePath(home, real)) throw new UnsafeRootError(real, 'your home directory');
  if (samePath(home.slice(0, real.length + 1), real + sep)) {
    throw new UnsafeRootError(real, 'a parent of your home directory');
  }
}

async function realHome(): Promise<string | undefined> {
  try {
    return await realpath(homedir());
  } catch {
    // No home directory: then there is none to protect.
    return undefined;
  }
}

function samePath(a: string, b: string): boolean {
  return process.platform === 'win32' ? a.toLowerCase() === b.toLowerCase() : a === b;
}

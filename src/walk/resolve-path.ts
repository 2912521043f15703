import { posix, win32 } from 'node:path';
import { toByteString, toFsPath } from './byte-string.ts';
import { PathOutsideError } from './errors.ts';
import { decodeBytes } from './path-codec.ts';

/**
 * The file that `path` (as `walk` yields it) names below `root`, for `fs.open`: a string, or a Buffer where the
 * name is not UTF-8. Only the text of the path is looked at: a symlink below the root may still lead out of it.
 *
 * @throws PathOutsideError (ERR_TIDEMARK_PATH_OUTSIDE) for an absolute path, a `..` or a NUL, also where they
 * are written as escapes.
 */
export function resolvePath(
  root: string,
  path: string,
  platform: NodeJS.Platform = process.platform,
): string | Buffer {
  const windows = platform === 'win32';
  const bytes = decodeBytes(toByteString(path));
  if (bytes.includes('\0')) throw new PathOutsideError(path, 'has a NUL character');
  if (windows ? /^([\\/]|[a-z]:)/i.test(bytes) : bytes.startsWith('/')) {
    throw new PathOutsideError(path, 'is absolute');
  }
  if (bytes.split(windows ? /[\\/]/ : '/').includes('..')) throw new PathOutsideError(path, 'contains ".."');
  const flavour = windows ? win32 : posix;
  const base = toByteString(flavour.resolve(root));
  const native = windows ? bytes.replaceAll('/', '\\') : bytes;
  return toFsPath(base.endsWith(flavour.sep) ? base + native : base + flavour.sep + native);
}

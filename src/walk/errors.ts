import { TidemarkError } from '../errors.ts';

/** The directory to walk does not exist. */
export class RootMissingError extends TidemarkError {
  constructor(root: string, options?: { cause?: unknown }) {
    super(
      'ERR_TIDEMARK_ROOT_MISSING',
      `There is no directory ${root}. Check the path, or create it.`,
      options,
    );
  }
}

/** The root is a file, a socket or the like. */
export class RootNotADirectoryError extends TidemarkError {
  constructor(root: string, options?: { cause?: unknown }) {
    super(
      'ERR_TIDEMARK_ROOT_NOT_A_DIRECTORY',
      `${root} is not a directory. Give the directory that holds it.`,
      options,
    );
  }
}

/** The root exists, but this user may not list it. */
export class RootUnreadableError extends TidemarkError {
  constructor(root: string, options?: { cause?: unknown }) {
    super(
      'ERR_TIDEMARK_ROOT_UNREADABLE',
      `${root} cannot be read (${errorCode(options?.cause) ?? 'unknown error'}). Give yourself permission to list it, or choose another directory.`,
      options,
    );
  }
}

/** The root is so wide (`/`, the home directory, a parent of it) that it was most likely given by accident. */
export class UnsafeRootError extends TidemarkError {
  constructor(root: string, what: string) {
    super(
      'ERR_TIDEMARK_UNSAFE_ROOT',
      `${root} is ${what}, which is rarely meant. Give a project directory, or force it with --force.`,
    );
  }
}

/** A path given from outside is not one below the root. */
export class PathOutsideError extends TidemarkError {
  constructor(path: string, why: string) {
    super(
      'ERR_TIDEMARK_PATH_OUTSIDE',
      `The path ${JSON.stringify(path)} ${why}. Give a path relative to the indexed directory, without "..".`,
    );
  }
}

/** The process itself ran out of something (file handles, memory), so no entry can be trusted from here on. */
export class WalkFailedError extends TidemarkError {
  constructor(path: string, options: { cause: unknown }) {
    super(
      'ERR_TIDEMARK_WALK_FAILED',
      `The walk stopped at ${path} (${errorCode(options.cause) ?? 'unknown error'}). Close other programs or raise the limit (ulimit -n), then run it again.`,
      options,
    );
  }
}

/** The `code` of a Node.js system error, such as `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The system cannot tell when the tree changes. */
export class UnwatchableError extends TidemarkError {
  constructor(root: string, options: { cause: unknown }) {
    const reason = options.cause instanceof Error ? options.cause.message : String(options.cause);
    const advice = /space|ENOSPC/i.test(reason)
      ? 'Raise fs.inotify.max_user_watches, or run tidemark index from time to time.'
      : 'Run tidemark index from time to time instead.';
    super('ERR_TIDEMARK_UNWATCHABLE', `${root} cannot be watched (${reason}). ${advice}`, options);
  }
}

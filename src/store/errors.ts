import path from 'node:path';
import { TidemarkError } from '../errors.ts';
import { LockLostError } from '../lock/directory-lock.ts';

/** How a person names this index on the command line: `DIR` for the default place, else `--index PATH`. */
export function commandTarget(indexDir: string): string {
  return path.basename(indexDir) === '.tidemark' ? path.dirname(indexDir) : `--index ${indexDir}`;
}

const rebuild = (dir: string): string => {
  const target = commandTarget(dir);
  return `rebuild with: tidemark clean ${target} && tidemark index ${target}`;
};

export class ClosedError extends TidemarkError {
  constructor() {
    super('ERR_TIDEMARK_CLOSED', 'the index is closed; open it again');
  }
}

export class NoIndexError extends TidemarkError {
  constructor(dir: string) {
    super('ERR_TIDEMARK_NO_INDEX', `no index at ${dir}; run: tidemark index ${commandTarget(dir)}`);
  }
}

export class NotAnIndexError extends TidemarkError {
  constructor(dir: string) {
    super(
      'ERR_TIDEMARK_NOT_AN_INDEX',
      `${dir} is not empty and is not a tidemark index, nothing was touched; choose another place with --index`,
    );
  }
}

export class IndexFormatError extends TidemarkError {
  constructor(dir: string, found: unknown, supported: number) {
    super(
      'ERR_TIDEMARK_INDEX_FORMAT',
      `the index at ${dir} has format ${String(found)}, this tidemark reads format ${supported}; upgrade tidemark or ${rebuild(dir)}`,
    );
  }
}

export class OtherTreeError extends TidemarkError {
  constructor(dir: string, indexed: string, wanted: string) {
    super(
      'ERR_TIDEMARK_OTHER_TREE',
      `the index at ${dir} is of ${indexed}, not of ${wanted}; choose another place with --index`,
    );
  }
}

export class ModelMismatchError extends TidemarkError {
  constructor(dir: string, indexed: string, wanted: string) {
    super(
      'ERR_TIDEMARK_MODEL_MISMATCH',
      `the index at ${dir} holds vectors of ${indexed}, not of ${wanted}; use that model or ${rebuild(dir)}`,
    );
  }
}

export class IndexBusyError extends TidemarkError {
  readonly pid: number;

  constructor(dir: string, pid: number, host: string | null) {
    const where = host === null ? '' : ` on ${host}`;
    super(
      'ERR_TIDEMARK_INDEX_BUSY',
      `another tidemark (pid ${pid}${where}) is indexing ${dir}; wait for it or stop it`,
    );
    this.pid = pid;
  }
}

/** The process was away for so long that another one took it for dead and writes now. */
export class LostLockError extends TidemarkError {
  constructor(dir: string, cause: unknown) {
    super(
      'ERR_TIDEMARK_LOCK_LOST',
      `another tidemark took over the index at ${dir} while this one slept; run it again, nothing is lost`,
      { cause },
    );
  }
}

export class DiskFullError extends TidemarkError {
  constructor(dir: string, cause: unknown) {
    super(
      'ERR_TIDEMARK_DISK_FULL',
      `no space left on the disk of ${dir}; free some space and run tidemark index again, what was committed is intact`,
      { cause },
    );
  }
}

export class ReadOnlyError extends TidemarkError {
  constructor(dir: string, cause: unknown) {
    super(
      'ERR_TIDEMARK_READ_ONLY',
      `the index at ${dir} cannot be written; check its permissions or choose another place with --index`,
      { cause },
    );
  }
}

export class IndexCorruptError extends TidemarkError {
  constructor(dir: string, what: string, cause: unknown) {
    super('ERR_TIDEMARK_INDEX_CORRUPT', `the index at ${dir} is damaged (${what}); ${rebuild(dir)}`, {
      cause,
    });
  }
}

/** Whatever the storage engine reports that has no class of its own. */
export class StoreError extends TidemarkError {
  constructor(dir: string, what: string, cause: unknown) {
    super(
      'ERR_TIDEMARK_STORE',
      `the index at ${dir} failed to ${what}; try again, and if it stays so ${rebuild(dir)}`,
      { cause },
    );
  }
}

/** The object store itself said no, or nothing. */
export class ObjectStoreError extends TidemarkError {
  constructor(dir: string, what: string, cause: unknown) {
    super('ERR_TIDEMARK_OBJECT_STORE', `the object store of ${dir} ${what}`, { cause });
  }
}

export class NoConditionalPutError extends TidemarkError {
  constructor(dir: string) {
    super(
      'ERR_TIDEMARK_NO_CONDITIONAL_PUT',
      `the object store of ${dir} has no conditional PUT, so two writers at once would lose rows; choose another store, or set TIDEMARK_SINGLE_WRITER=1 where there is only ever one`,
    );
  }
}

export class BadGlobError extends TidemarkError {
  constructor(glob: string, why: string) {
    super('ERR_TIDEMARK_BAD_GLOB', `the path pattern ${JSON.stringify(glob.slice(0, 80))} ${why}`);
  }
}

const DISK_FULL = /os error (?:28|122)\b|ENOSPC|EDQUOT|No space left/i;
const READ_ONLY = /os error (?:30|13|1)\b|EROFS|EACCES|EPERM|Permission denied|Read-only file system/i;
/** Of what an object store answers, and what to do about it. */
const ANSWERS: readonly (readonly [RegExp, string])[] = [
  [/NoSuchBucket|ContainerNotFound/, 'has no such bucket; create it first'],
  [
    /CredentialsNotLoaded|Failed to get AWS credentials|no Azure account name|metadata/i,
    'was given no credentials; set them in the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ],
  [
    /status: 40[13]|SignatureDoesNotMatch|InvalidAccessKeyId|AuthorizationFailure|AccessDenied/,
    'refused the credentials; check those in the environment, and what they may do',
  ],
  [
    /kind: (?:Connect|Timeout)|Connection refused|dns error|timed out/i,
    'does not answer; check the network and the address, such as AWS_ENDPOINT_URL',
  ],
];
const OBJECT_STORE = /^(?:s3|gs|az):/;
const MISSING = /not found|does not exist|os error 2\b|ENOENT/i;
const CORRUPT =
  /not found|does not exist|corrupt|invalid (?:magic|header|manifest|footer|metadata)|magic (?:number|word)|failed to decode|decode error|sufficient data|invalid range|unexpected (?:eof|end)|out of range|out of bounds|file size is too small|file too small|checksum|panic|os error 21\b|EISDIR|(?:protobuf|prost)/i;

/** Of an error as Lance gives it: a file of a table is not there. */
export const isMissingData = (error: unknown): boolean =>
  error instanceof Error && !(error instanceof TidemarkError) && MISSING.test(error.message);

/** There is no such table; one whose files are damaged says something else. */
export const isNoTable = (error: unknown): boolean =>
  error instanceof Error && /^Table '[^']*' was not found/.test(error.message);

/** Lance rejects with plain Errors: the message is all there is to tell them apart. `what` reads after "failed to". */
export function asStoreError(error: unknown, dir: string, what: string): TidemarkError {
  if (error instanceof TidemarkError) return error;
  if (error instanceof LockLostError) return new LostLockError(dir, error);
  const message = error instanceof Error ? error.message : String(error);
  const answer = OBJECT_STORE.test(dir) ? ANSWERS.find(([pattern]) => pattern.test(message)) : undefined;
  if (answer !== undefined) return new ObjectStoreError(dir, answer[1], error);
  if (DISK_FULL.test(message)) return new DiskFullError(dir, error);
  if (READ_ONLY.test(message)) return new ReadOnlyError(dir, error);
  if (CORRUPT.test(message)) return new IndexCorruptError(dir, `could not ${what}`, error);
  return new StoreError(dir, what, error);
}

import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ByteString } from './byte-string.ts';
import { toFsPath } from './byte-string.ts';
import { IgnoreList } from './ignore-list.ts';
import { openRepository, type Repository, readGitSettings } from './repository.ts';

export const GIT_IGNORE_FILE = '.gitignore';
export const TIDEMARK_IGNORE_FILE = '.tidemarkignore';

/**
 * What is skipped where no rule of the user's says otherwise: dependencies and caches that tools write. It has the
 * lowest precedence, so `!node_modules/` in any ignore file takes it back, and it is about what lies below the
 * root: a root that is itself inside a `node_modules` is walked.
 */
export const DEFAULT_IGNORES: readonly string[] = [
  'node_modules/',
  'bower_components/',
  '__pycache__/',
  '.venv/',
  '.tox/',
  '.mypy_cache/',
  '.pytest_cache/',
  '.ruff_cache/',
];

const DEFAULTS = new IgnoreList(DEFAULT_IGNORES.join('\n'), 0, false);
/** No ignore file that a person wrote comes near this; it bounds the memory of one that is something else. */
const MAX_IGNORE_FILE_BYTES = 8 * 1024 * 1024;

/** Ignore lists from the highest precedence down; a directory adds one in front and shares the rest. */
interface Chain {
  readonly list: IgnoreList;
  readonly next: Chain | undefined;
}

/**
 * The rules that hold in one directory. Precedence, highest first:
 * 1. the `.tidemarkignore` files, the deepest first (all of them, so that the one at the top of a project can
 *    overrule a `.gitignore` further down, as `.rgignore` does for ripgrep);
 * 2. the `.gitignore` files, the deepest first, up to the top of the repository that the directory is in;
 * 3. `info/exclude` of that repository; 4. `core.excludesFile`; 5. `DEFAULT_IGNORES`.
 * In each file the last rule that matches decides. What is in an ignored directory is never looked at, so no rule
 * can take it back, as in git. Paths are relative to `top`, the bytes before a list's own directory are its base.
 */
export interface RuleScope {
  readonly tidemark: Chain | undefined;
  readonly git: Chain | undefined;
  readonly ignoreCase: boolean;
}

export interface RootRules {
  readonly scope: RuleScope;
  /** The path of the root below the top of its work tree, with a slash at the end; '' where it is the top. */
  readonly prefix: ByteString;
}

export interface RuleOptions {
  readonly signal?: AbortSignal | undefined;
  /** Overrides `core.ignoreCase`. */
  readonly ignoreCase?: boolean | undefined;
}

/** `path` is relative to the top, without a slash at its end; its last name begins at `nameStart`. */
export function isIgnored(
  scope: RuleScope,
  path: ByteString,
  nameStart: number,
  isDirectory: boolean,
): boolean {
  for (const first of [scope.tidemark, scope.git]) {
    for (let chain = first; chain !== undefined; chain = chain.next) {
      const ignored = chain.list.match(path, nameStart, isDirectory);
      if (ignored !== undefined) return ignored;
    }
  }
  return DEFAULTS.match(path, nameStart, isDirectory) ?? false;
}

/**
 * The rules at `root` (a real path) before its own ignore files: in a subdirectory of a work tree those of the
 * directories above apply. Where these ignore the root itself they are dropped: it was asked for by name.
 */
export async function rulesAtRoot(root: ByteString, options: RuleOptions): Promise<RootRules> {
  const found = await findWorkTree(root, options.signal);
  const settings = found?.repository.settings ?? (await readGitSettings(root, options.signal));
  const ignoreCase =
    options.ignoreCase ??
    (found ? settings.ignoreCase : process.platform === 'win32' || process.platform === 'darwin');
  const globalOnly: RuleScope = {
    tidemark: undefined,
    git: await append(undefined, settings.excludesFile, 0, ignoreCase),
    ignoreCase,
  };
  if (found === undefined) return { scope: globalOnly, prefix: '' };

  const { top, repository } = found;
  const base = top.endsWith('/') ? top : `${top}/`;
  const prefix = root.length > base.length ? `${root.slice(base.length).replaceAll('\\', '/')}/` : '';
  let scope: RuleScope = {
    ...globalOnly,
    git: await append(globalOnly.git, repository.excludeFile, 0, ignoreCase),
  };
  for (let at = 0; at < prefix.length; ) {
    scope = await withIgnoreFiles(scope, base + prefix.slice(0, at), at, BOTH);
    const slash = prefix.indexOf('/', at);
    if (isIgnored(scope, prefix.slice(0, slash), at, true)) return { scope: globalOnly, prefix };
    at = slash + 1;
  }
  return { scope, prefix };
}

/** Which of the files that matter here a directory has. */
export interface IgnoreFiles {
  readonly gitIgnore: boolean;
  readonly tidemarkIgnore: boolean;
}

const BOTH: IgnoreFiles = { gitIgnore: true, tidemarkIgnore: true };

/**
 * The rules in `directory` (absolute, with a slash at its end): those of `scope` and of its own ignore files.
 * `baseLength`: the length of its path below the top, with its slash.
 */
export async function withIgnoreFiles(
  scope: RuleScope,
  directory: ByteString,
  baseLength: number,
  files: IgnoreFiles,
): Promise<RuleScope> {
  if (!files.gitIgnore && !files.tidemarkIgnore) return scope;
  const { ignoreCase } = scope;
  const read = (chain: Chain | undefined, name: string): Promise<Chain | undefined> =>
    append(chain, directory + name, baseLength, ignoreCase, constants.O_NOFOLLOW);
  return {
    tidemark: files.tidemarkIgnore ? await read(scope.tidemark, TIDEMARK_IGNORE_FILE) : scope.tidemark,
    git: files.gitIgnore ? await read(scope.git, GIT_IGNORE_FILE) : scope.git,
    ignoreCase,
  };
}

/**
 * The rules at the top of a repository inside the walk (a submodule, a clone): git's rules start anew there, those
 * of `.tidemarkignore` go on.
 */
export async function enterRepository(
  scope: RuleScope,
  repository: Repository,
  baseLength: number,
  options: RuleOptions,
): Promise<RuleScope> {
  const ignoreCase = options.ignoreCase ?? repository.settings.ignoreCase;
  const shared = await append(undefined, repository.settings.excludesFile, baseLength, ignoreCase);
  return {
    tidemark: scope.tidemark,
    git: await append(shared, repository.excludeFile, baseLength, ignoreCase),
    ignoreCase,
  };
}

async function findWorkTree(
  root: ByteString,
  signal: AbortSignal | undefined,
): Promise<{ top: ByteString; repository: Repository } | undefined> {
  for (let top = root; ; top = dirname(top)) {
    const repository = await openRepository(top, signal);
    if (repository !== undefined) return { top, repository };
    if (dirname(top) === top) return undefined;
  }
}

async function append(
  next: Chain | undefined,
  path: ByteString | undefined,
  baseLength: number,
  ignoreCase: boolean,
  flags = 0,
): Promise<Chain | undefined> {
  const content = path === undefined ? undefined : await readIgnoreFile(path, flags);
  return content ? { list: new IgnoreList(content, baseLength, ignoreCase), next } : next;
}

/** Undefined where there is no such file, or none that can be read: then git has no rules from it either. */
async function readIgnoreFile(path: ByteString, flags: number): Promise<ByteString | undefined> {
  let handle: FileHandle | undefined;
  try {
    // Without O_NONBLOCK a FIFO of this name would hold the walk for ever.
    handle = await open(toFsPath(path), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (flags || 0));
    const found = await handle.stat();
    if (!found.isFile() || found.size > MAX_IGNORE_FILE_BYTES) return undefined;
    return await handle.readFile('latin1');
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}

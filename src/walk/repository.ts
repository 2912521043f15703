import { execFile } from 'node:child_process';
import { lstat, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ByteString } from './byte-string.ts';
import { toByteString, toFsPath } from './byte-string.ts';

/** What of a git repository decides which files it ignores. All paths are absolute. */
export interface Repository {
  /** `info/exclude` of the repository, shared by its worktrees; the file may be missing. */
  readonly excludeFile: ByteString;
  readonly settings: GitSettings;
}

export interface GitSettings {
  /** The file of `core.excludesFile`; undefined where it is set to nothing. It may be missing. */
  readonly excludesFile: ByteString | undefined;
  /** `core.ignoreCase` */
  readonly ignoreCase: boolean;
}

const GIT_TIMEOUT_MS = 5_000;
const SMALL_FILE_BYTES = 64 * 1024;
/** Would point git, when called from a hook, at another repository than the one of its working directory. */
const REPOSITORY_VARIABLES = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_COMMON_DIR',
  'GIT_INDEX_FILE',
  'GIT_PREFIX',
  'GIT_OBJECT_DIRECTORY',
];

/** The repository whose work tree has its top at `directory`; undefined where there is none. */
export async function openRepository(
  directory: ByteString,
  signal?: AbortSignal,
): Promise<Repository | undefined> {
  const gitDirectory = await findGitDirectory(directory);
  if (gitDirectory === undefined) return undefined;
  const common = await readFirstLine(`${gitDirectory}/commondir`);
  const commonDirectory = common === undefined ? gitDirectory : absolute(gitDirectory, common);
  // The same three that git asks for: a directory that is only called `.git` is not a repository.
  const parts = await Promise.all([
    exists(`${gitDirectory}/HEAD`),
    exists(`${commonDirectory}/objects`),
    exists(`${commonDirectory}/refs`),
  ]);
  if (parts.includes(false)) return undefined;
  return {
    excludeFile: `${commonDirectory}/info/exclude`,
    settings: await readGitSettings(directory, signal),
  };
}

/** The settings that git has in `directory`, also outside a repository; git's defaults where there is no git. */
export async function readGitSettings(directory: ByteString, signal?: AbortSignal): Promise<GitSettings> {
  const listed = await gitConfig(directory, ['--get-regexp', '^core\\.(excludesfile|ignorecase)$'], signal);
  const values = new Map<string, string | null>();
  for (const entry of listed?.split('\0') ?? []) {
    const [key = '', ...lines] = entry.split('\n');
    // What is set later counts; `null` is a key by itself.
    values.set(key, lines.length === 0 ? null : lines.join('\n'));
  }
  // What git would not take as it stands, it is asked about once more.
  const settled = async (key: string, type: string, plain: (value: string) => boolean) => {
    const value = values.get(key);
    if (value === undefined || (value !== null && plain(value))) return value;
    return gitConfig(directory, [`--type=${type}`, '--get', key], signal);
  };
  const [excludesFile, ignoreCase] = await Promise.all([
    settled('core.excludesfile', 'path', (value) => !/^~|%\(/.test(value)),
    settled('core.ignorecase', 'bool', (value) => value === 'true' || value === 'false'),
  ]);
  return {
    excludesFile:
      excludesFile === undefined
        ? defaultExcludesFile()
        : excludesFile === ''
          ? undefined
          : absolute(directory, excludesFile),
    ignoreCase: ignoreCase === 'true',
  };
}

function defaultExcludesFile(): ByteString | undefined {
  const configured = process.env.XDG_CONFIG_HOME;
  if (configured) return toByteString(join(configured, 'git', 'ignore'));
  try {
    return toByteString(join(homedir(), '.config', 'git', 'ignore'));
  } catch {
    return undefined;
  }
}

/** What `git config` answers; undefined where nothing is set, or git is missing or refuses. */
function gitConfig(
  directory: ByteString,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ByteString | undefined> {
  const cwd = toFsPath(directory);
  // A process cannot be started in a directory whose name is not text.
  if (typeof cwd !== 'string') return Promise.resolve(undefined);
  const env = { ...process.env };
  for (const name of REPOSITORY_VARIABLES) delete env[name];
  const options = { cwd, env, encoding: 'latin1', timeout: GIT_TIMEOUT_MS, windowsHide: true } as const;
  return new Promise((done) => {
    execFile('git', ['config', '-z', ...args], { ...options, ...(signal && { signal }) }, (error, stdout) => {
      done(error ? undefined : stdout.replace(/\0$/, ''));
    });
  });
}

async function findGitDirectory(directory: ByteString): Promise<ByteString | undefined> {
  const path = `${directory}/.git`;
  try {
    const found = await stat(toFsPath(path));
    if (found.isDirectory()) return path;
    if (!found.isFile()) return undefined;
  } catch {
    return undefined;
  }
  const line = await readFirstLine(path);
  return line?.startsWith('gitdir: ') ? absolute(directory, line.slice('gitdir: '.length)) : undefined;
}

async function readFirstLine(path: ByteString): Promise<ByteString | undefined> {
  try {
    const { size } = await stat(toFsPath(path));
    if (size > SMALL_FILE_BYTES) return undefined;
    const content = await readFile(toFsPath(path), 'latin1');
    return content.replace(/[\r\n]+$/, '');
  } catch {
    return undefined;
  }
}

async function exists(path: ByteString): Promise<boolean> {
  try {
    await lstat(toFsPath(path));
    return true;
  } catch {
    return false;
  }
}

/** `path` as seen from `base`; on POSIX this is plain text work, so it is exact on bytes too. */
function absolute(base: ByteString, path: ByteString): ByteString {
  return resolve(base, path);
}

import { realpath } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { type ByteString, foldAscii, isAscii, toByteString, toText } from './byte-string.ts';
import {
  type FileStats,
  type ListedName,
  listDirectory,
  type SkipReason,
  SPECIAL_MARK,
  SYMLINK_MARK,
  statFiles,
} from './directory.ts';
import { RootMissingError, RootUnreadableError } from './errors.ts';
import {
  enterRepository,
  GIT_IGNORE_FILE,
  isIgnored,
  type RuleOptions,
  type RuleScope,
  rulesAtRoot,
  TIDEMARK_IGNORE_FILE,
  withIgnoreFiles,
} from './ignore-rules.ts';
import { decodeBytes, encodeBytes } from './path-codec.ts';
import { openRepository } from './repository.ts';
import { resolveRoot } from './root.ts';

export type { SkipReason } from './directory.ts';

export interface WalkedFile {
  type: 'file';
  /** Relative to the root, with `/`; see `encodePathBytes` for names that are not UTF-8. */
  path: string;
  /** bytes */
  size: number;
  /** Nanoseconds since 1970; taken before the file is yielded, never after. */
  mtimeNs: bigint;
}

export interface SkippedEntry {
  type: 'skipped';
  /** As of a file; a directory has a `/` at its end, and everything below it is missing from the walk. */
  path: string;
  reason: SkipReason;
}

export type WalkEntry = WalkedFile | SkippedEntry;

export interface WalkOptions {
  signal?: AbortSignal;
  /** Absolute paths that are passed over with all that is in them, such as the index's own directory. */
  exclude?: readonly string[];
  /** Whether ignore rules match without regard to case; as git has it (`core.ignoreCase`) by default. */
  ignoreCase?: boolean;
}

/** Never walked and not for any rule to take back: the stores of version control, and tidemark's own. */
const NEVER_ENTERED: ReadonlySet<string> = new Set(['.git/', '.hg/', '.svn/', '.tidemark/']);
const CONCURRENT_STATS = 32;

/** A directory on the way down; what the walk holds in memory is these, one a level. */
interface Level {
  /** Bytes below the root, with a slash at the end; '' for the root. */
  readonly raw: ByteString;
  readonly encoded: ByteString;
  readonly scope: RuleScope;
  /** Encoded names, sorted. */
  readonly names: ListedName[];
  next: number;
  /** Stats of the files from `next` on, in their order, taken for names before `statsEnd`. */
  stats: (FileStats | SkipReason | undefined)[];
  statsNext: number;
  statsEnd: number;
}

/**
 * Walks the files below `root`, streamed, in the order of the UTF-8 bytes of `path` (`comparePaths`). Ignored
 * entries are not yielded (`RuleScope` says which rules hold); symlinks are not followed. What vanishes meanwhile
 * is passed over. Memory is that of the names in the directories from the root to the current one.
 *
 * @throws RootMissingError, RootNotADirectoryError, RootUnreadableError; WalkFailedError when the process is out
 * of file handles; the reason of `signal` when aborted
 */
export async function* walk(root: string, options: WalkOptions = {}): AsyncGenerator<WalkEntry, void, void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const realRoot = await resolveRoot(root);
  const rootBytes = toByteString(realRoot);
  const base = rootBytes.endsWith('/') ? rootBytes : `${rootBytes}/`;
  const { scope, prefix } = await rulesAtRoot(rootBytes, options);
  signal?.throwIfAborted();
  const opener = { base, prefix, options, excluded: await excludedBelow(root, realRoot, options.exclude) };
  if (opener.excluded.has('')) return;

  const top = await openLevel(opener, '', '', scope);
  if (top === undefined) throw new RootMissingError(realRoot);
  if (typeof top === 'string') throw new RootUnreadableError(realRoot);
  const levels = [top];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    signal?.throwIfAborted();
    const name = level.names[level.next];
    if (name === undefined) {
      levels.pop();
      continue;
    }
    if (name.endsWith('/')) {
      level.next++;
      const encoded = level.encoded + name;
      const below = await openLevel(opener, level.raw + decodeBytes(name), encoded, level.scope);
      if (typeof below === 'object') levels.push(below);
      else if (below !== undefined) yield { type: 'skipped', path: toText(encoded), reason: below };
      continue;
    }
    const mark = name.at(-2) === '\0' ? name.slice(-2) : '';
    if (mark !== '') {
      level.next++;
      const path = toText(level.encoded + name.slice(0, -2));
      yield { type: 'skipped', path, reason: mark === SYMLINK_MARK ? 'symlink' : 'special-file' };
      continue;
    }
    if (level.next >= level.statsEnd) {
      await statAhead(level, base);
      signal?.throwIfAborted();
    }
    level.next++;
    const stats = level.stats[level.statsNext++];
    if (stats === undefined) continue;
    const path = toText(level.encoded + name);
    if (typeof stats === 'string') yield { type: 'skipped', path, reason: stats };
    else yield { type: 'file', path, size: stats.size, mtimeNs: stats.mtimeNs };
  }
}

interface LevelOpener {
  readonly base: ByteString;
  readonly prefix: ByteString;
  readonly options: RuleOptions;
  readonly excluded: ReadonlySet<ByteString>;
}

/** Lists a directory and drops what its rules ignore; undefined where it has vanished. */
async function openLevel(
  opener: LevelOpener,
  raw: ByteString,
  encoded: ByteString,
  parent: RuleScope,
): Promise<Level | SkipReason | undefined> {
  const directory = opener.base + raw;
  const path = opener.prefix + raw;
  const names = await listDirectory(directory, opener.options.signal);
  if (!Array.isArray(names)) return names;
  const files = { gitIgnore: false, tidemarkIgnore: false };
  let maybeRepository = false;
  for (const name of names) {
    if (name === GIT_IGNORE_FILE) files.gitIgnore = true;
    else if (name === TIDEMARK_IGNORE_FILE) files.tidemarkIgnore = true;
    else if (isGitEntry(bareName(name), false)) maybeRepository = true;
  }
  let scope = parent;
  if (maybeRepository && raw !== '') {
    const repository = await openRepository(directory.slice(0, -1), opener.options.signal);
    if (repository) scope = await enterRepository(scope, repository, path.length, opener.options);
  }
  scope = await withIgnoreFiles(scope, directory, path.length, files);

  let kept = 0;
  for (const name of names) {
    const bare = bareName(name);
    const isDirectory = name.endsWith('/');
    if (NEVER_ENTERED.has(name) || isGitEntry(bare, scope.ignoreCase)) continue;
    if (opener.excluded.size > 0 && opener.excluded.has(raw + bare)) continue;
    if (isIgnored(scope, path + bare, path.length, isDirectory)) continue;
    names[kept++] =
      bare.includes('\\') || !isAscii(bare) ? encodeBytes(bare) + name.slice(bare.length) : name;
  }
  names.length = kept;
  // The default order compares UTF-16 units, which in these strings are bytes.
  names.sort();
  return { raw, encoded, scope, names, next: 0, stats: [], statsNext: 0, statsEnd: 0 };
}

/** Takes the stats of the files that come next in this directory, past the directories between them. */
async function statAhead(level: Level, base: ByteString): Promise<void> {
  const paths: ByteString[] = [];
  let at = level.next;
  for (; at < level.names.length && paths.length < CONCURRENT_STATS; at++) {
    const name = level.names[at] as ListedName;
    if (bareName(name).length === name.length) paths.push(base + level.raw + decodeBytes(name));
  }
  level.stats = await statFiles(paths);
  level.statsNext = 0;
  level.statsEnd = at;
}

function bareName(name: ListedName): ByteString {
  if (name.endsWith('/')) return name.slice(0, -1);
  return name.endsWith(SYMLINK_MARK) || name.endsWith(SPECIAL_MARK) ? name.slice(0, -2) : name;
}

/** `.git` as a directory, as the file of a worktree or submodule, or as a symlink. */
function isGitEntry(bare: ByteString, ignoreCase: boolean): boolean {
  return (ignoreCase ? foldAscii(bare) : bare) === '.git';
}

/** The excluded paths below the root, as the root is spelled or as it really is. */
async function excludedBelow(
  root: string,
  realRoot: string,
  exclude: readonly string[] = [],
): Promise<Set<ByteString>> {
  const below = new Set<ByteString>();
  for (const path of exclude) {
    const real = await realpath(path).catch(() => path);
    for (const [from, to] of [
      [resolve(root), resolve(path)],
      [realRoot, real],
    ] as const) {
      const inside = relative(from, to);
      if (inside !== '..' && !inside.startsWith(`..${sep}`) && resolve(from, inside) === to) {
        below.add(toByteString(sep === '\\' ? inside.replaceAll('\\', '/') : inside));
      }
    }
  }
  return below;
}

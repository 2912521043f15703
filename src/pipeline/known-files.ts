import type { FileRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { SkipReason, WalkEntry, WalkedFile } from '../walk/walk.ts';

/** A file on disk beside its row in the index. */
export interface KnownFile {
  readonly file: WalkedFile;
  readonly row: FileRow | null;
  /** The row's chunks are made by another version of the chunker, so they count as changed. */
  readonly outdated: boolean;
}

/** True where size and time stamp say that the row is right; else the content tells. */
export function isUnchanged({ file, row, outdated }: KnownFile): boolean {
  return row !== null && !outdated && row.size === file.size && row.mtimeNs === file.mtimeNs;
}

/** One stretch of the walk, compared with the same stretch of the index. */
export interface Stretch {
  readonly entries: readonly WalkEntry[];
  readonly known: ReadonlyMap<string, FileRow>;
  /** Rows that count no more, of one path each. */
  readonly obsolete: readonly ObsoleteRows[];
  /** Files that are gone. */
  readonly removed: number;
  /** There are more of them: the stretch comes again, so these have to be deleted first. */
  readonly more: boolean;
}

/** Rows of a path, the newest first. */
export interface ObsoleteRows {
  readonly rows: readonly FileRow[];
  /** The row that counts, where a killed run left older ones; null where the file is gone. */
  readonly newest: FileRow | null;
}

const STRETCH = 1024;
const UNREAD: ReadonlySet<SkipReason> = new Set<SkipReason>(['unreadable', 'path-too-long']);
/** Of the rows of files that are gone, so many bytes are held at once, and in any case a row. */
const MAX_GONE_BYTES = 8 * 1024 * 1024;
/** A row without its texts: 13 fields, its numbers and its hash, and where it is kept. */
const ROW_BYTES = 512;

/**
 * Merges the walk with the table of files, stretch by stretch: both are in the order of path bytes, so each stretch asks
 * for the rows between its first and its last path. Memory: one stretch, whatever the number of files.
 */
export async function* compareWithIndex(
  walk: AsyncIterable<WalkEntry>,
  store: Store,
): AsyncGenerator<Stretch> {
  // What this run itself writes lies before the stretch that is asked for: a new index is never asked.
  const empty = store.maxRev === 0n;
  let after: string | null = null;
  let entries: WalkEntry[] = [];
  // What could not be read: the walk does not say what it is or holds, so the index keeps it.
  let unread: string[] = [];
  for await (const entry of walk) {
    entries.push(entry);
    if (entry.type === 'skipped' && UNREAD.has(entry.reason)) unread.push(entry.path);
    if (entries.length < STRETCH) continue;
    const through = entry.path;
    yield* empty ? [unknown(entries)] : stretches(entries, store, { after, through, unread });
    after = through;
    entries = [];
    // In the order of the walk only the last one can go on.
    unread = unread.slice(-1);
  }
  yield* empty ? [unknown(entries)] : stretches(entries, store, { after, through: null, unread });
}

function unknown(entries: readonly WalkEntry[]): Stretch {
  return { entries, known: new Map(), obsolete: [], removed: 0, more: false };
}

async function* stretches(
  entries: readonly WalkEntry[],
  store: Store,
  range: { after: string | null; through: string | null; unread: readonly string[] },
): AsyncGenerator<Stretch> {
  const { after, through, unread } = range;
  const onDisk = new Set<string>();
  for (const entry of entries) if (entry.type === 'file') onDisk.add(entry.path);
  for (let first = true; ; first = false) {
    const versions = new Map<string, FileRow[]>();
    let gone = 0;
    let goneBytes = 0;
    let more = false;
    for await (const rows of store.filesInRange(after, through)) {
      for (const row of rows) {
        if (isUnread(row.path, unread)) continue;
        const others = versions.get(row.path);
        if (others !== undefined) others.push(row);
        else if (onDisk.has(row.path)) versions.set(row.path, [row]);
        else if (goneBytes < MAX_GONE_BYTES) {
          versions.set(row.path, [row]);
          gone++;
          goneBytes += heldBytes(row);
        } else more = true;
      }
    }
    yield { entries: first ? entries : [], ...sortOut(versions, onDisk), removed: gone, more };
    if (!more) return;
  }
}

function sortOut(
  versions: ReadonlyMap<string, FileRow[]>,
  onDisk: ReadonlySet<string>,
): Pick<Stretch, 'known' | 'obsolete'> {
  const known = new Map<string, FileRow>();
  const obsolete: ObsoleteRows[] = [];
  for (const [path, rows] of versions) {
    rows.sort((a, b) => (a.rev > b.rev ? -1 : 1));
    const [newest, ...older] = rows as [FileRow, ...FileRow[]];
    if (!onDisk.has(path) || newest.state === 'removed') obsolete.push({ rows, newest: null });
    else {
      known.set(path, newest);
      if (older.length > 0) obsolete.push({ rows: older, newest });
    }
  }
  return { known, obsolete };
}

/** Bytes of heap, about. */
function heldBytes({ path, runs, reason }: FileRow): number {
  return ROW_BYTES + 2 * path.length + (runs?.length ?? 0) + (reason?.length ?? 0);
}

function isUnread(path: string, unread: readonly string[]): boolean {
  return unread.some((skipped) => path === skipped || (skipped.endsWith('/') && path.startsWith(skipped)));
}

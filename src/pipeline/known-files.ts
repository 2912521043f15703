import type { FileRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { SkipReason, WalkEntry, WalkedFile } from '../walk/walk.ts';
import type { Replaced } from './commit-queue.ts';

/** A file on disk beside its row in the index. */
export interface KnownFile {
  readonly file: WalkedFile;
  readonly row: FileRow | null;
  /** The row's chunks are made by another version of the chunker, so they count as changed. */
  readonly outdated: boolean;
}

/** One stretch of the walk, compared with the same stretch of the index. */
export interface Stretch {
  readonly entries: readonly WalkEntry[];
  readonly known: ReadonlyMap<string, FileRow>;
  /** Rows without a file, and older rows of a file that a killed run left. */
  readonly gone: readonly Replaced[];
  /** Files that `gone` stands for. */
  readonly removed: number;
}

const STRETCH = 1024;
const UNREAD: ReadonlySet<SkipReason> = new Set<SkipReason>(['unreadable', 'path-too-long']);
const MAX_GONE = 65_536;

/**
 * Merges the walk with the table of files, stretch by stretch: both are in the order of path bytes, so each stretch asks
 * for the rows between its first and its last path. Memory: one stretch, whatever the number of files.
 */
export async function* compareWithIndex(
  walk: AsyncIterable<WalkEntry>,
  store: Store,
): AsyncGenerator<Stretch> {
  let after: string | null = null;
  let entries: WalkEntry[] = [];
  // What could not be read: the walk does not say what it is or holds, so the index keeps it.
  let unread: string[] = [];
  for await (const entry of walk) {
    entries.push(entry);
    if (entry.type === 'skipped' && UNREAD.has(entry.reason)) unread.push(entry.path);
    if (entries.length < STRETCH) continue;
    const through = entry.path;
    yield* stretches(entries, store, { after, through, unread });
    after = through;
    entries = [];
    // In the order of the walk only the last one can go on.
    unread = unread.slice(-1);
  }
  yield* stretches(entries, store, { after, through: null, unread });
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
    const known = new Map<string, FileRow>();
    const gone: Replaced[] = [];
    let removed = 0;
    let more = false;
    for await (const rows of store.filesInRange(after, through)) {
      for (const row of rows) {
        if (isUnread(row.path, unread)) continue;
        if (onDisk.has(row.path)) {
          const other = known.get(row.path);
          if (other === undefined || other.rev < row.rev) known.set(row.path, row);
          const older = other === undefined ? null : other.rev < row.rev ? other : row;
          const newer = known.get(row.path)!;
          if (older !== null) gone.push({ rev: older.rev, seq: older.seq === newer.seq ? null : older.seq });
        } else if (gone.length < MAX_GONE) {
          gone.push({ rev: row.rev, seq: row.seq });
          removed++;
        } else {
          more = true;
        }
      }
    }
    yield { entries: first ? entries : [], known, gone, removed };
    // What did not fit is asked for again, once these are deleted.
    if (!more) return;
  }
}

function isUnread(path: string, unread: readonly string[]): boolean {
  return unread.some((skipped) => path === skipped || (skipped.endsWith('/') && path.startsWith(skipped)));
}

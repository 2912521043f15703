import type { LiveFileRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Fault, VerifiedCounts } from '../store/verify.ts';
import { CommitQueue } from './commit-queue.ts';

export interface Damage {
  /** What is wrong, with so many files, or chunks without one. */
  readonly kind: Fault['type'];
  readonly count: number;
  /** Some of the paths. */
  readonly paths: readonly string[];
}

export interface Verification extends VerifiedCounts {
  readonly damage: readonly Damage[];
  /** Files that were taken out, or set back, for the next `update` to index or embed again; only after a repair. */
  readonly toIndex: number;
}

const MAX_PATHS = 5;
const FLUSH_BYTES = 1 << 20;

/**
 * Looks at the whole index, and with `repair` mends it: what no commit names is deleted, a file that is not whole is
 * taken out of the index, so that the next run indexes it again, and one that lacks vectors waits to be embedded.
 */
export async function verifyIndex(store: Store, options: { repair: boolean }): Promise<Verification> {
  const damage = new Map<Fault['type'], { count: number; paths: string[] }>();
  const commits = new CommitQueue(store, FLUSH_BYTES);
  let toIndex = 0;
  const faults = store.verify();
  for (;;) {
    const next = await faults.next();
    if (next.done === true) {
      if (options.repair) await commits.commit();
      const found = Array.from(damage, ([kind, rest]) => ({ kind, ...rest }));
      return { ...next.value, damage: found, toIndex };
    }
    const fault = next.value;
    const { count, paths } = placeOf(fault);
    const known = damage.get(fault.type) ?? { count: 0, paths: [] };
    damage.set(fault.type, {
      count: known.count + count,
      paths: [...known.paths, ...paths].slice(0, MAX_PATHS),
    });
    if (!options.repair) continue;
    if (await mend(fault, store, commits)) toIndex++;
  }
}

/** True where a file has to be indexed, or embedded, again. */
async function mend(fault: Fault, store: Store, commits: CommitQueue): Promise<boolean> {
  switch (fault.type) {
    case 'orphans':
      await store.deleteChunkRuns(fault.runs);
      return false;
    case 'old-rows':
      await commits.remove(fault.rows, fault.newest);
      return false;
    case 'missing-vectors':
      await commits.replace(fault.file, { ...fault.file, state: 'pending' });
      return true;
    default:
      await commits.remove([fault.file], null);
      return true;
  }
}

function placeOf(fault: Fault): { count: number; paths: readonly string[] } {
  if (fault.type === 'orphans') return { count: fault.runs.length, paths: fault.paths };
  const file: Pick<LiveFileRow, 'path'> = fault.type === 'old-rows' ? fault.rows[0]! : fault.file;
  return { count: 1, paths: [file.path] };
}

import type { FileRow } from './schema.ts';

/** Chunks of one file, those with an ordinal in `[from, to)`, whose rows were written under one seq. */
export interface ChunkRun {
  readonly seq: bigint;
  readonly from: number;
  readonly to: number;
}

/** What of a file row says which chunk rows make up its version. */
export type ChunkSet = Pick<FileRow, 'seq' | 'chunks' | 'runs'>;

/** Rows that no version names any more. */
export interface ObsoleteChunks {
  /** Of these all rows. */
  readonly seqs: readonly bigint[];
  readonly runs: readonly ChunkRun[];
}

/** A file of more runs is due to have the small ones written anew as one, ... */
const MANY_RUNS = 16;
/** ... which leaves it the largest of them. */
const LARGE_RUNS = 4;
/** What a file row may hold. */
export const MAX_RUNS = 32;

/** The runs of a version in order: they share no ordinal, and together have each from 0 to `chunks`. */
export function chunkRuns({ seq, chunks, runs }: ChunkSet): ChunkRun[] {
  if (chunks === 0) return [];
  if (runs === null) return [{ seq, from: 0, to: chunks }];
  let to = 0;
  return runs.split(',').map((run) => {
    const [name, count] = run.split(':') as [string, string];
    const from = to;
    to += Number(count);
    return { seq: BigInt(name), from, to };
  });
}

/** True for a chunk row that one of the runs names: of the rows with one ordinal at most one is. */
export function isNamed(runs: readonly ChunkRun[], row: { seq: bigint; ordinal: number }): boolean {
  return runs.some(({ seq, from, to }) => seq === row.seq && from <= row.ordinal && row.ordinal < to);
}

/** The rows that `old` names and `now` does not. A seq belongs to one file, so both are of the same path. */
export function obsoleteChunks(old: ChunkSet, now: ChunkSet | null): ObsoleteChunks {
  const kept = now === null ? [] : chunkRuns(now);
  const seqs = new Set<bigint>();
  const runs: ChunkRun[] = [];
  for (const run of chunkRuns(old)) {
    const same = kept.filter(({ seq }) => seq === run.seq);
    if (same.length === 0) seqs.add(run.seq);
    else runs.push(...without(run, same));
  }
  return { seqs: [...seqs], runs };
}

function* without(run: ChunkRun, kept: readonly ChunkRun[]): Generator<ChunkRun> {
  let from = run.from;
  for (const hole of kept) {
    if (hole.from > from) yield { ...run, from, to: Math.min(hole.from, run.to) };
    from = Math.max(from, hole.to);
    if (from >= run.to) return;
  }
  yield { ...run, from };
}

/**
 * Gathers the runs of a new version, chunk after chunk: each is written under the new seq, or keeps the row that the
 * version before has at its ordinal. The number of runs stays small, at the price of some rows that are written
 * although they could be kept.
 */
export class RunBuilder {
  readonly #seq: bigint;
  /** Runs of the version before whose rows may be kept. */
  readonly #before: readonly ChunkRun[];
  readonly #runs: { seq: bigint; from: number; to: number }[] = [];
  #chunks = 0;
  #written = 0;

  constructor(seq: bigint, before: ChunkSet | null) {
    this.#seq = seq;
    this.#before = before === null ? [] : worthKeeping(chunkRuns(before));
  }

  /** Chunks so far. */
  get chunks(): number {
    return this.#chunks;
  }

  /** Those of them that are under the new seq. */
  get written(): number {
    return this.#written;
  }

  /** Keeps the row at the next ordinal. False, and nothing is added, where there is none or it is not worth a run. */
  keep(): boolean {
    const at = this.#chunks;
    const run = this.#before.find(({ from, to }) => from <= at && at < to);
    if (run === undefined) return false;
    // The last run that fits in is for all that comes.
    if (this.#runs.at(-1)?.seq !== run.seq && this.#runs.length >= MAX_RUNS - 1) return false;
    this.#add(run.seq);
    return true;
  }

  /** Adds a chunk whose row is written; returns its ordinal. */
  write(): number {
    this.#written++;
    return this.#add(this.#seq);
  }

  /** As a file row holds it. */
  finish(): ChunkSet {
    const own = this.#written === this.#chunks;
    const runs = own ? null : this.#runs.map(({ seq, from, to }) => `${seq}:${to - from}`).join(',');
    return { seq: this.#seq, chunks: this.#chunks, runs };
  }

  #add(seq: bigint): number {
    const ordinal = this.#chunks++;
    const last = this.#runs.at(-1);
    if (last?.seq === seq) last.to = this.#chunks;
    else this.#runs.push({ seq, from: ordinal, to: this.#chunks });
    return ordinal;
  }
}

function worthKeeping(runs: readonly ChunkRun[]): readonly ChunkRun[] {
  if (runs.length <= MANY_RUNS) return runs;
  const bySize = runs.toSorted((a, b) => b.to - b.from - (a.to - a.from));
  return bySize.slice(0, LARGE_RUNS);
}

import type { MemoryStep } from '../memory/governor.ts';

/** Why files were left out, with how many: a reason is a short stable word such as `binary` or `unreadable`. */
export type SkippedCounts = Record<string, number>;

/** Steps down that memory makes necessary; the last two leave work to a later run. */
export type MemoryDegradation = MemoryStep | 'embedder-over-share' | 'maintenance-later' | 'lexical-only';

/** Steps down that a fault makes necessary. */
export type FaultDegradation =
  | 'lexical-fallback'
  | 'embedder-restarted'
  | 'device-fallback'
  | 'server-retried'
  | 'batch-reduced';

export type DegradationStep = MemoryDegradation | FaultDegradation;

/** A step down that memory or a fault made necessary. */
export interface Degradation {
  /** Stable word; a later version may have more of them. */
  readonly step: DegradationStep;
  readonly count: number;
  readonly reason: string;
}

/** What one run did; the last line of `tidemark index --json`. */
export interface Summary {
  files: { seen: number; indexed: number; unchanged: number; removed: number; skipped: SkippedCounts };
  chunks: { written: number; embedded: number; reused: number; pending: number; failed: number };
  /** Bytes read. */
  bytes: number;
  seconds: number;
  /** Most that the process tree took, as sampled by this process: resident sets, what they share counted once. */
  peakRssBytes: number;
  budgetBytes: number;
  embedder: { model: string; device: string; dimensions: number } | null;
  degraded: Degradation[];
}

/** Gathers a summary while a run goes on. */
export class SummaryBuilder {
  readonly files = { seen: 0, indexed: 0, unchanged: 0, removed: 0, skipped: {} as SkippedCounts };
  readonly chunks = { written: 0, embedded: 0, reused: 0, pending: 0, failed: 0 };
  bytes = 0;
  embedder: Summary['embedder'] = null;
  readonly #degraded = new Map<DegradationStep, { count: number; reason: string }>();
  readonly #started = performance.now();

  skip(reason: string): void {
    this.files.skipped[reason] = (this.files.skipped[reason] ?? 0) + 1;
  }

  degrade(step: DegradationStep, reason: string, count = 1): void {
    const known = this.#degraded.get(step);
    if (known === undefined) this.#degraded.set(step, { count, reason });
    else known.count += count;
  }

  finish(memory: { peakRssBytes: number; budgetBytes: number }): Summary {
    return {
      files: this.files,
      chunks: this.chunks,
      bytes: this.bytes,
      seconds: Math.round(performance.now() - this.#started) / 1000,
      ...memory,
      embedder: this.embedder,
      degraded: [...this.#degraded].map(([step, rest]) => ({ step, ...rest })),
    };
  }
}

/** The step that leaves chunks without vectors. */
export const LEXICAL_ONLY: DegradationStep = 'lexical-only';

/** Reasons that are part of how indexing works. Anything else means that something is missing from the index. */
const EXPECTED = new Set(['binary', 'symlink', 'special-file', 'vanished']);

/** True where all that should be in the index is in it. */
export function isComplete(summary: Summary): boolean {
  return (
    summary.chunks.failed === 0 &&
    summary.degraded.every(({ step }) => step !== LEXICAL_ONLY) &&
    Object.keys(summary.files.skipped).every((reason) => EXPECTED.has(reason))
  );
}

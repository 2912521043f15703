import type { DownloadEvent } from '../embed/hub-fetch.ts';
import type { MemoryStep } from '../memory/governor.ts';
import type { DegradationStep, Summary } from './summary.ts';

/** What `update` tells while it works. The last event of a run that ends well is `done`. */
export type IndexEvent =
  | { readonly type: 'start'; readonly lane: 'lexical' | 'semantic' }
  /** Counters so far; `total` is null as long as nobody knows it. Files in the lexical lane, chunks in the semantic. */
  | {
      readonly type: 'progress';
      readonly lane: 'lexical' | 'semantic';
      readonly done: number;
      readonly total: number | null;
      readonly bytes: number;
    }
  /** A file was left out. */
  | { readonly type: 'skipped'; readonly path: string; readonly reason: string }
  /** A step down; counted in the summary's `degraded`. */
  | { readonly type: 'degraded'; readonly step: DegradationStep; readonly reason: string }
  /** There is room again, or the stage has ended: a step down for memory was taken back. */
  | { readonly type: 'recovered'; readonly step: MemoryStep; readonly reason: string }
  /** A model is fetched from the hub, or waited for. */
  | DownloadEvent
  /** Indexes are being built over the tables. */
  | { readonly type: 'maintenance' }
  | { readonly type: 'done'; readonly summary: Summary };

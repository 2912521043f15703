import { TidemarkError } from '../errors.ts';
import { machineLimits } from './machine.ts';
import { formatSize } from './size.ts';

/** How a budget for the whole process tree is spent. */
export interface MemoryPlan {
  readonly budgetBytes: number;
  /** Threads that parse, or processes. */
  readonly parsers: number;
  /** Parser heap above which a thread is replaced, or resident set of a process; bytes. */
  readonly parserHeapBytes: number;
  /** Processes that embed; 0 where the budget has no room for the model. */
  readonly embedders: number;
  /** Resident set above which an embedding process is replaced, bytes. */
  readonly embedderBytes: number;
  /** File contents, chunks, and batches of them on their way into the store, bytes. */
  readonly inFlightBytes: number;
  /** Chunks are written in batches of about this size, bytes. */
  readonly flushBytes: number;
}

/** Thrown for a budget that cannot work, with the smallest that does. */
export class BudgetTooSmallError extends TidemarkError {
  readonly smallestBytes: number;

  constructor(budgetBytes: number, smallestBytes: number, work: string, advice: string) {
    super(
      'ERR_TIDEMARK_BUDGET_TOO_SMALL',
      `${formatSize(budgetBytes)} of memory is too little ${work}; ${advice}`,
    );
    this.smallestBytes = smallestBytes;
  }
}

const MB = 1e6;
/** The process with the store in it, while it writes and builds its indexes. */
const STORE_BYTES = 240 * MB;
const PARSER_BYTES = 60 * MB;
/** A process that parses, with a window in it. */
const NATIVE_PARSER_BYTES = 200 * MB;
/** A process with the bundled model on the CPU. */
const EMBEDDER_BYTES = 210 * MB;
/** Where pages that processes share count once: those of all such processes together, and what each has beside them. */
const EMBEDDERS = { sharedBytes: 50 * MB, eachBytes: 110 * MB };
/** Of that at work what is no page of a file: it has to be free before the process starts. */
export const EMBEDDER_FREE_BYTES = 80 * MB;
/** What embedding takes beyond the model once it is loaded: measured of the bundled one, whatever the device and the weights. */
const EMBEDDING = { share: 1.1, bytes: 20 * MB };
const FLUSH_BYTES = { least: 2 * MB, most: 8 * MB };
export const SMALLEST_LEXICAL_BYTES = STORE_BYTES + PARSER_BYTES;
export const SMALLEST_NATIVE_BYTES = STORE_BYTES + NATIVE_PARSER_BYTES;
export const SMALLEST_BYTES = STORE_BYTES + EMBEDDER_BYTES;

/** Half of what the machine or its cgroup allows, at most 2 GB. */
export function defaultBudgetBytes(): number {
  const { limitBytes, availableBytes } = machineLimits();
  const floor = Math.min(limitBytes, SMALLEST_BYTES);
  return Math.max(floor, Math.floor(Math.min(limitBytes / 2, availableBytes * 0.75, 2000 * MB)));
}

export interface PlanOptions {
  readonly embed: boolean;
  readonly cores: number;
  readonly nativeParser?: boolean;
  /** What a process takes with the model loaded, bytes; null for the bundled model on the CPU. */
  readonly modelBytes?: number | null;
  /** What the machine or its cgroup allows, bytes: more of a budget is of no use. */
  readonly limitBytes?: number;
  /** Whether pages that processes share count once: where the kernel tells them. */
  readonly sharedCountsOnce?: boolean;
}

/** Shares a budget out. Throws {@link BudgetTooSmallError}. */
export function planMemory(wantedBytes: number, options: PlanOptions): MemoryPlan {
  const { embed, cores, nativeParser: native = false, modelBytes = null } = options;
  const { limitBytes = Number.POSITIVE_INFINITY, sharedCountsOnce = false } = options;
  const budgetBytes = Math.min(wantedBytes, limitBytes);
  const lexical = native ? SMALLEST_NATIVE_BYTES : SMALLEST_LEXICAL_BYTES;
  const embedderLeast =
    modelBytes === null
      ? EMBEDDER_BYTES
      : Math.max(EMBEDDER_BYTES, EMBEDDING.share * modelBytes + EMBEDDING.bytes);
  const smallest = embed ? Math.max(STORE_BYTES + embedderLeast, lexical) : lexical;
  if (budgetBytes < smallest) {
    const least = `--memory ${Math.ceil(smallest / MB)}MB`;
    const advice =
      smallest <= limitBytes
        ? `the smallest that works is ${least}`
        : `the smallest that works is ${least}, and the machine or its container allows ${formatSize(limitBytes)}` +
          (embed && lexical <= limitBytes ? ': --no-embed will do with that' : '');
    throw new BudgetTooSmallError(budgetBytes, smallest, embed ? 'with the model' : 'to index', advice);
  }
  const spare = budgetBytes - STORE_BYTES;
  const parserBytes = native ? NATIVE_PARSER_BYTES : 2 * PARSER_BYTES;
  const parsers = Math.max(1, Math.min(cores, 4, Math.floor(spare / parserBytes)));
  // Of other models nobody knows what their processes share.
  const { sharedBytes, eachBytes } =
    sharedCountsOnce && modelBytes === null ? EMBEDDERS : { sharedBytes: 0, eachBytes: embedderLeast };
  const forEmbedders = spare - sharedBytes;
  const embedders = embed ? Math.max(1, Math.min(cores, Math.floor(forEmbedders / eachBytes))) : 0;
  // Each commit adds to a list that every later one carries: with fewer and larger ones it grows less. Lance makes copies
  // of one while it writes: they may be as large as they can from 412 MB on.
  const flushBytes = Math.max(FLUSH_BYTES.least, Math.min(FLUSH_BYTES.most, (spare - PARSER_BYTES) / 14));
  return {
    budgetBytes,
    parsers,
    parserHeapBytes: native
      ? Math.min(320 * MB, (0.8 * spare) / parsers)
      : Math.max(40 * MB, Math.min(128 * MB, spare / (2 * parsers))),
    embedders,
    // By its whole resident set: a new process would map what is shared as well.
    embedderBytes: embed
      ? Math.max(embedderLeast, Math.min(400 * MB, sharedBytes + forEmbedders / embedders))
      : 0,
    inFlightBytes: 2 * flushBytes + Math.min(64 * MB, Math.max(8 * MB, spare / 8)),
    flushBytes,
  };
}

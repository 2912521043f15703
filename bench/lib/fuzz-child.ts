/**
 * The process that a fuzz run happens in: `bench/fuzz.ts` starts it, and another one behind an input that killed it.
 * Tells its parent about each input before and after.
 */
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import type { BrokenInvariant } from '../../test/support/chunk-invariants.ts';
import { type FuzzCase, FuzzCases } from '../../test/support/fuzz-case.ts';
import { type Chunker, FuzzRunner, type Outcome } from '../../test/support/fuzz-runner.ts';
import { minimize } from '../../test/support/minimize.ts';
import { ordinaryFile, readLater } from './fuzz-corpus.ts';
import { saveFailure } from './fuzz-failures.ts';

export interface FuzzOrder {
  readonly seed: number;
  readonly from: number;
  /** Milliseconds since 1970. */
  readonly until: number;
  /** The number of inputs at most. */
  readonly count: number;
  readonly corpus: readonly (readonly [language: string, path: string])[];
}

export type FuzzMessage =
  | { readonly type: 'begins'; readonly index: number }
  | {
      readonly type: 'ends';
      readonly index: number;
      readonly bytes: number;
      readonly recipe: readonly string[];
      readonly outcome: Omit<Outcome, 'broken'>;
      readonly broken: {
        readonly invariant: string;
        readonly message: string;
        readonly folder: string;
      } | null;
      /** Resident set after a collection; now and then. */
      readonly rssBytes: number | null;
    };

const MINIMIZE_MS = 60_000;
/** More failures of one kind in one language are counted, not reduced. */
const REDUCED_PER_KIND = 2;
const RSS_EVERY = 25;

// As `tidemark chunks` runs.
setFlagsFromString('--liftoff-only');
const built = (file: string) => import(new URL(`../../dist/src/chunk/${file}`, import.meta.url).href);
const chunker: Chunker = { ...(await built('chunk-source.js')), ...(await built('parser-pool.js')) };
const [order] = (await once(process, 'message')) as [FuzzOrder];
const cases = new FuzzCases(order.seed, order.corpus.map(readLater));
const runner = new FuzzRunner({ chunker, ordinary: ordinaryFile });
const reduced = new Map<string, number>();

for (let index = order.from; index < order.from + order.count && Date.now() < order.until; index++) {
  const input = cases.get(index);
  tell({ type: 'begins', index });
  const { broken, ...outcome } = await runner.run(input);
  const collect = (index - order.from) % RSS_EVERY === 0;
  if (collect) globalThis.gc?.();
  tell({
    type: 'ends',
    index,
    bytes: input.bytes.length,
    recipe: input.recipe,
    outcome,
    broken: broken === null ? null : await keep(index, input, broken, outcome.language),
    rssBytes: collect ? process.memoryUsage.rss() : null,
  });
}
await runner[Symbol.asyncDispose]();
process.disconnect();

function tell(message: FuzzMessage): void {
  process.send!(message);
}

async function keep(index: number, input: FuzzCase, broken: BrokenInvariant, language: string | null) {
  const { invariant, message } = broken;
  const kind = `${invariant} ${language}`;
  const before = reduced.get(kind) ?? 0;
  reduced.set(kind, before + 1);
  let smallest: Buffer | null = null;
  // What takes long to fail takes for ever to reduce.
  if (before < REDUCED_PER_KIND && invariant !== 'hangs') {
    await using fresh = new FuzzRunner({ chunker, ordinary: ordinaryFile });
    const fails = (bytes: Buffer) => fresh.breaks({ ...input, bytes }, invariant);
    const deadline = performance.now() + MINIMIZE_MS;
    if (await fails(input.bytes)) smallest = await minimize(input.bytes, fails, deadline);
  }
  const folder = saveFailure({ seed: order.seed, index, input, smallest, invariant, message });
  return { invariant, message, folder };
}

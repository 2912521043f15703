/** What one run may hold, each sequence padded to the longest. */
export interface BatchLimits {
  readonly tokens: number;
  /** Tokens times the dimensions of the model: its layers have a few times as many numbers within. */
  readonly states: number;
  /** Pairs of tokens of one sequence, over all sequences: attention has a number for each, in each of its heads. */
  readonly pairs: number;
}

/**
 * What runs together: sequences of about the same length, the longest first. One that is over the limits alone is a
 * batch of its own.
 */
export function planBatches<Sequence extends { readonly ids: readonly number[] }>(
  sequences: readonly Sequence[],
  limits: BatchLimits,
  dimensions: number,
): Sequence[][] {
  const batches: Sequence[][] = [];
  const tokens = Math.min(limits.tokens, limits.states / dimensions);
  let most = 0;
  for (const sequence of sequences.toSorted((a, b) => b.ids.length - a.ids.length)) {
    const batch = batches.at(-1);
    if (batch !== undefined && batch.length < most) {
      batch.push(sequence);
      continue;
    }
    const { length } = sequence.ids;
    batches.push([sequence]);
    most = Math.floor(Math.min(tokens / length, limits.pairs / length ** 2));
  }
  return batches;
}

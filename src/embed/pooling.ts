import type { Pooling } from './model-files.ts';

/**
 * Pools the hidden states of one text, which may come in several sequences: each counts by its number of tokens. For
 * one sequence this is the usual pooling of sentence-transformers by the mean, the first or the last token
 * (https://arxiv.org/abs/1908.10084).
 */
export class Pooler {
  readonly #pooling: Pooling;
  readonly #sum: Float64Array;
  #tokens = 0;

  constructor(pooling: Pooling, dimensions: number) {
    this.#pooling = pooling;
    this.#sum = new Float64Array(dimensions);
  }

  /** @param hidden row-major [at least tokens, dimensions]; rows after the first `tokens` are padding */
  add(hidden: Float32Array, tokens: number): void {
    const size = this.#sum.length;
    if (this.#pooling !== 'mean') {
      const at = this.#pooling === 'cls' ? 0 : (tokens - 1) * size;
      for (let column = 0; column < size; column++) this.#sum[column]! += hidden[at + column]! * tokens;
    } else {
      for (let row = 0, at = 0; row < tokens; row++) {
        for (let column = 0; column < size; column++, at++) this.#sum[column]! += hidden[at]!;
      }
    }
    this.#tokens += tokens;
  }

  /**
   * Writes the pooled vector into `target`, its length made 1. Where `target` has fewer dimensions the rest is cut off
   * (https://arxiv.org/abs/2205.13147), for some models after the mean over all of them is taken off (`center`).
   * @throws Error when the model gave a value that is not finite, or a vector without a direction
   */
  finish(target: Float32Array, center: boolean): void {
    const size = this.#sum.length;
    const shift =
      center && target.length < size ? this.#sum.reduce((total, value) => total + value, 0) / size : 0;
    const vector = this.#sum.subarray(0, target.length).map((value) => (value - shift) / this.#tokens);
    let squares = 0;
    for (const value of vector) squares += value ** 2;
    const norm = Math.sqrt(squares);
    if (!Number.isFinite(norm)) throw new Error('the model gave a value that is not finite');
    if (norm === 0) throw new Error('the model gave a zero vector');
    for (let column = 0; column < target.length; column++) target[column] = vector[column]! / norm;
  }
}

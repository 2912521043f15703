import { BUNDLED_IDENTITY } from '../../src/embed/bundled-model.ts';
import type { EmbedderState, EmbedResult, ModelInfo, TextEmbedder } from '../../src/embed/text-embedder.ts';
import { DIMENSIONS } from './vector-file.ts';

/** Of the length of a vector. */
const NOISE = 0.4;

/**
 * Stands for the model where a million vectors are wanted and not what they say: to each text the real vector of another
 * one, with noise. They lie as real ones do, in groups, and hours are saved.
 */
export class DrawnEmbedder implements TextEmbedder {
  readonly #real: readonly Float32Array[];
  state: EmbedderState = 'ready';

  /** `real`: vectors of length 1. */
  constructor(real: readonly Float32Array[]) {
    this.#real = real;
  }

  async start(): Promise<ModelInfo> {
    return { ...BUNDLED_IDENTITY, device: 'none', maxTokens: null, chunkTokens: null };
  }

  async embed(texts: readonly string[]): Promise<EmbedResult> {
    const vectors = new Float32Array(texts.length * DIMENSIONS);
    for (const [i, text] of texts.entries()) this.#draw(text, vectors, i * DIMENSIONS);
    return { vectors, failed: [], tokens: 0, pieces: new Uint32Array(texts.length).fill(1) };
  }

  async dispose(): Promise<void> {
    this.state = 'disposed';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #draw(text: string, into: Float32Array, at: number): void {
    let seed = 0;
    for (let i = 0; i < text.length; i++) seed = (Math.imul(seed, 31) + text.charCodeAt(i)) | 0;
    const real = this.#real[(seed >>> 0) % this.#real.length]!;
    // Uniform noise with the variance of what it stands for.
    const width = (NOISE * Math.sqrt(12)) / Math.sqrt(DIMENSIONS);
    let squares = 0;
    for (let k = 0; k < DIMENSIONS; k++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      const value = real[k]! + width * ((seed >>> 0) / 2 ** 32 - 0.5);
      into[at + k] = value;
      squares += value * value;
    }
    const scale = 1 / Math.sqrt(squares);
    for (let k = 0; k < DIMENSIONS; k++) into[at + k]! *= scale;
  }
}

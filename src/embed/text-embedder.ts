import type { Purpose } from './model-files.ts';
import type { FailedText, ModelInfo } from './protocol.ts';

export type { Purpose } from './model-files.ts';
export type { FailedText, ModelInfo } from './protocol.ts';

export type EmbedderState = 'idle' | 'loading' | 'ready' | 'failed' | 'disposed';

export interface EmbedOptions {
  /** Default `document`. */
  readonly purpose?: Purpose | undefined;
  /** Rejects at once, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface EmbedResult {
  /** Row-major [texts, dimensions], each row of length 1; the row of a text that failed is NaN. */
  readonly vectors: Float32Array;
  readonly failed: readonly FailedText[];
  /** Tokens that went through the model, special tokens included; 0 where a server does not tell. */
  readonly tokens: number;
  /** For each text, in how many pieces it went through the model; 0 where it failed. */
  readonly pieces: Uint32Array;
}

/** Turns texts into vectors, wherever that happens. The caller disposes it. */
export interface TextEmbedder extends AsyncDisposable {
  readonly state: EmbedderState;

  /**
   * Gets ready to embed; calls at the same time share one load. After a load that failed nothing is left, and the next
   * call begins anew. `signal` ends the waiting only; `dispose()` ends the load.
   * @throws EmbedderDisposedError; what says why the model cannot be had
   */
  start(signal?: AbortSignal): Promise<ModelInfo>;

  /**
   * Embeds texts, in order; starts the embedder if need be. A text that cannot be embedded is listed in `failed` and
   * does not stop the others.
   * @throws EmbedderDisposedError; what {@link start} throws; what says why nothing can be embedded any more
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<EmbedResult>;

  /**
   * Waits for the work in hand, then frees everything; a load is ended at once. What has not begun rejects with
   * EmbedderDisposedError. May be called again, and never rejects.
   */
  dispose(): Promise<void>;
}

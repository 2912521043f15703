import type { Dtype } from './minilm-graph.ts';

export type Pooling = 'mean' | 'cls';

/** Which model to load. Crosses the process boundary. */
export interface ModelRequest {
  /** Path of a local model directory; null for the bundled model. */
  readonly model: string | null;
  /** Null: q8 for the bundled model, whatever is there for a local one. */
  readonly dtype: Dtype | null;
  /** Root of the model cache. */
  readonly cacheRoot: string;
  readonly device: 'cpu';
}

/** A model on the disk, ready to be loaded. */
export interface ModelFiles {
  readonly id: string;
  readonly dtype: Dtype;
  /** The directory that the files lie in. */
  readonly directory: string;
  readonly onnxPath: string;
  readonly tokenizerPath: string;
  /** Null where the model has no tokenizer_config.json. */
  readonly tokenizerConfigPath: string | null;
  /** The longest sequence that is given to the model, special tokens included. */
  readonly maxTokens: number;
  /** The length that the model was trained on: what to chunk to. */
  readonly chunkTokens: number;
  readonly pooling: Pooling;
}

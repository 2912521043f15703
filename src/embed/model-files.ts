/** Of the weights. `q8` is the file that exporters call `quantized`. */
export type Dtype = 'fp32' | 'fp16' | 'q8' | 'int8' | 'uint8' | 'q4' | 'q4f16';

/** Where a model runs: onnxruntime's native CPU provider, its WebAssembly build, or its native WebGPU provider. */
export type Device = 'cpu' | 'wasm' | 'webgpu';

/** How the states of the tokens become one vector: their mean, that of the first token, or that of the last. */
export type Pooling = 'mean' | 'cls' | 'last';

/** What a text is for: models that tell the two apart were trained with a prefix for each. */
export type Purpose = 'query' | 'document';

/** Which model is wanted. */
export interface ModelChoice {
  /** Directory, or `owner/name[@revision]` on the hub; null for the bundled model. */
  readonly model: string | null;
  /** Null: what the device runs best of what is there. */
  readonly dtype: Dtype | null;
  /** Cut the vectors to so many; null for all of them. */
  readonly dimensions: number | null;
  /** Root of the model cache. */
  readonly cacheRoot: string;
  readonly device: Device;
  /** Use what is in the cache and nothing else. */
  readonly offline: boolean;
}

/** Which model to load, once it lies on the disk. Crosses the process boundary. */
export interface ModelRequest extends Omit<ModelChoice, 'model' | 'offline'> {
  /** Null for the bundled model. */
  readonly files: ModelFiles | null;
}

/** What a model's own files say about it, or else the table of known models. */
export interface ModelSettings {
  /** The longest sequence that is given to the model, special tokens included. */
  readonly maxTokens: number;
  /** The length that the model was trained on: what to chunk to. */
  readonly chunkTokens: number;
  readonly pooling: Pooling;
  /** What to put in front of a text. */
  readonly prompts: Readonly<Record<Purpose, string>>;
  /** The dimensions that its vectors may be cut to, apart from all of them; empty where it was not trained for that. */
  readonly matryoshka: readonly number[];
  /** Take the mean off a vector before it is cut. */
  readonly center: boolean;
}

/** A model on the disk, ready to be loaded. */
export interface ModelFiles extends ModelSettings {
  readonly id: string;
  readonly dtype: Dtype;
  /** The directory that the files lie in. */
  readonly directory: string;
  readonly onnxPath: string;
  readonly tokenizerPath: string;
  /** Null where the model has no tokenizer_config.json. */
  readonly tokenizerConfigPath: string | null;
  /**
   * First values of the first hidden state when the highest token id is run alone, where they are known: weights of which a
   * large part is damaged give others, where the runtime says nothing.
   */
  readonly probe?: readonly number[];
}

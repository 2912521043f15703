import type { ErrorRecord } from './errors.ts';
import type { Dtype } from './minilm-graph.ts';
import type { ModelRequest } from './model-files.ts';

/** What is loaded. */
export interface ModelInfo {
  /** Vectors of different ids do not compare. */
  readonly id: string;
  readonly dtype: Dtype;
  readonly device: string;
  readonly dimensions: number;
  /** The longest sequence that the model is given at once, special tokens included. */
  readonly maxTokens: number;
  /** The length that the model was trained on: what to chunk to. */
  readonly chunkTokens: number;
}

export interface FailedText {
  /** Which of the texts that were passed. */
  readonly index: number;
  readonly reason: string;
}

export interface LoadedModel {
  readonly info: ModelInfo;
  /** The model was converted into the cache by this load. */
  readonly converted: boolean;
}

export interface SliceResult {
  /** Row-major [texts, dimensions]; the row of a text that failed is NaN. */
  readonly vectors: Float32Array;
  readonly failed: readonly FailedText[];
  /** Tokens that went through the model, special tokens included. */
  readonly tokens: number;
  /** For each text, in how many pieces it went through the model; 0 where it failed. */
  readonly pieces: Uint32Array;
}

/** What a child can be asked: input and output of each call. */
export interface Calls {
  load: { input: ModelRequest; output: LoadedModel };
  embed: { input: readonly string[]; output: SliceResult };
  stats: { input: null; output: { readonly liveTensors: number } };
  /** Whether the runtime of a device loads, without a model. */
  probe: { input: 'cpu'; output: { readonly version: string } };
  /** Release everything and exit. */
  close: { input: null; output: null };
}

export type CallName = keyof Calls;

export type Request = {
  [Name in CallName]: { id: number; call: Name; input: Calls[Name]['input'] };
}[CallName];

/** Each reply says the resident set of the child, in bytes. */
export type Reply =
  | { id: number; rssBytes: number; output: Calls[CallName]['output'] }
  | { id: number; rssBytes: number; error: ErrorRecord };

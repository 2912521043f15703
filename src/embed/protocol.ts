import type { ErrorRecord } from './errors.ts';
import type { DownloadEvent } from './hub-fetch.ts';
import type { Device, ModelChoice, ModelFiles, ModelRequest, Purpose } from './model-files.ts';

/** What is loaded. */
export interface ModelInfo {
  /** Vectors of different ids do not compare. */
  readonly id: string;
  /** Of the weights, such as `fp32` or `q8`. */
  readonly dtype: string;
  readonly device: string;
  readonly dimensions: number;
  /** The longest sequence that the model is given at once, special tokens included; null where nobody tells. */
  readonly maxTokens: number | null;
  /** The length that the model was trained on: what to chunk to; null where nobody tells. */
  readonly chunkTokens: number | null;
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
  /** Sequences that the CPU had to run, as the device could not; 0 where it is the CPU. */
  readonly onCpu: number;
  /** Sequences that neither could run. */
  readonly notRun: number;
  /** Why a new process may do better: this one could not run some of them at all, or its device is gone. Null: it may not. */
  readonly broken: string | null;
  /** For each text, in how many pieces it went through the model; 0 where it failed. */
  readonly pieces: Uint32Array;
}

export interface EmbedRequest {
  readonly texts: readonly string[];
  readonly purpose: Purpose;
}

/** What a child can be asked: input and output of each call. */
export interface Calls {
  /** Get a model of the hub into the cache, with events on the way. */
  fetch: { input: ModelChoice; output: ModelFiles };
  load: { input: ModelRequest; output: LoadedModel };
  embed: { input: EmbedRequest; output: SliceResult };
  stats: { input: null; output: { readonly liveTensors: number } };
  /** Whether the runtime of a device loads, without a model. */
  probe: { input: Device; output: { readonly runtime: string } };
  /** Release everything and exit. */
  close: { input: null; output: null };
}

export type CallName = keyof Calls;

export type Request = {
  [Name in CallName]: { id: number; call: Name; input: Calls[Name]['input'] };
}[CallName];

/** Each reply says the resident set of the child, in bytes. */
export type Reply =
  | { event: DownloadEvent }
  | { id: number; rssBytes: number; output: Calls[CallName]['output'] }
  | { id: number; rssBytes: number; error: ErrorRecord };

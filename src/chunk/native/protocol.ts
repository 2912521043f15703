import type { WorkerReply } from '../parser-thread.ts';
import type { WindowRequest } from '../window-request.ts';

/** What the native parser can do on this machine. */
export interface NativeSupport {
  /** Languages whose compiled grammar is here and works; the others are parsed by WebAssembly, as ever. */
  readonly languages: readonly string[];
  readonly missing: readonly { readonly language: string; readonly reason: string }[];
}

export type NativeRequest =
  | { readonly type: 'probe' }
  | { readonly type: 'window'; readonly window: WindowRequest; readonly wasmOnly: boolean };

/** `heapBytes` of a window that is done is the resident set of the process. */
export type NativeReply =
  | WorkerReply
  | { readonly type: 'support'; readonly support: NativeSupport }
  | { readonly type: 'unavailable'; readonly message: string };

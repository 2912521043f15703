import type { Worker } from 'node:worker_threads';
import { entryPoint } from '../memory/entry-point.ts';
import { startThread } from '../memory/start-thread.ts';
import type { Encoded, EncodeRequest, Encoder } from './encoder.ts';
import type { ModelFiles } from './model-files.ts';

interface Waiting {
  readonly resolve: (encoded: Encoded[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Encodes on a thread of its own, so that the next texts become tokens while the device runs these: onnxruntime holds the
 * thread that it is called on until the device is done.
 */
export class ThreadEncoder implements Encoder {
  readonly #worker: Worker;
  /** In the order in which they are answered. */
  readonly #waiting: Waiting[] = [];
  #broken: Error | null = null;

  constructor(files: ModelFiles) {
    this.#worker = startThread(entryPoint('embed/encoder-worker'), { workerData: files });
    this.#worker.unref();
    this.#worker.on('message', (encoded: Encoded[]) => this.#waiting.shift()?.resolve(encoded));
    this.#worker.on('error', (error) => this.#break(error));
    this.#worker.on('exit', () => this.#break(new Error('the thread that makes tokens ended')));
  }

  encode(texts: readonly string[], prompt: string): Promise<Encoded[]> {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      const request: EncodeRequest = { texts, prompt };
      this.#worker.postMessage(request);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #break(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#broken);
  }
}

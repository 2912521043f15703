import type { Worker } from 'node:worker_threads';
import { entryPoint } from '../memory/entry-point.ts';
import { startThread } from '../memory/start-thread.ts';
import { compileRuntime } from './compile-grammar.ts';
import { compiledParser } from './compiled-parsers.ts';
import { languageByName } from './languages.ts';
import { PARSER_PAGES } from './parser-heap.ts';
import type { ChunkedWindow } from './window.ts';
import type { WindowRequest } from './window-request.ts';

export interface WindowCall {
  readonly window: WindowRequest;
  /** The number under which the thread keeps this window for a later version of it; null: it keeps nothing. */
  readonly version: number | null;
}

export interface WorkerRequest extends WindowCall {
  readonly type: 'window';
  readonly maximumPages: number;
}

export interface WorkerDone {
  readonly type: 'done';
  readonly result: Omit<ChunkedWindow, 'version'>;
  /** Memory that it holds until it ends. */
  readonly heapBytes: number;
}

export type WorkerReply = WorkerDone | { readonly type: 'trap'; readonly message: string };

/** Asks the owner of the thread for a grammar's compiled parser by its name; null is the runtime that all are linked with. */
export interface CodeRequest {
  readonly type: 'code';
  readonly grammar: string | null;
}

export interface CodeReply extends CodeRequest {
  /** Or what is wrong with it. */
  readonly code: WebAssembly.Module | string;
}

/** A parser broke down over a window. The worker is gone; the window can be done again without a parser. */
export class ParserTrap extends Error {
  override readonly name = 'ParserTrap';
}

/** What a window's need of memory goes by. */
interface Needs {
  readonly language: string | null;
  readonly size: number;
}

/** Most files need 1 to 4 MB. 100 KB of Perl may take 20. */
const LARGE_HEAP_BYTES = 8 * 1024 * 1024;
const ENTRY = entryPoint('chunk/worker');

/**
 * A thread that parses, and the call that it is busy with: one at a time. It can be stopped in the middle of a parse. The
 * owner stops it.
 */
export class ParserThread {
  readonly #worker: Worker;
  /** Bytes of text that it has been given. */
  textBytes = 0;
  /** Its heap is large, and the last window needed less: it grew for a larger one, or for another language. */
  oversized = false;
  #heapBytes = 0;
  /** The window that its heap last grew for. */
  #grownFor: Needs = { language: null, size: 0 };
  #alive = true;
  #settle: { resolve: (reply: WorkerReply) => void; reject: (error: unknown) => void } | undefined;

  constructor() {
    this.#worker = startThread(ENTRY, {
      resourceLimits: { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16 },
    });
    // An idle parser keeps no process alive.
    this.#worker.unref();
    this.#worker.on('message', (reply: WorkerReply | CodeRequest) => {
      if (reply.type === 'code') {
        void this.#giveCode(reply);
        return;
      }
      this.#worker.unref();
      this.#take()?.resolve(reply);
    });
    this.#worker.on('error', (error) =>
      this.#take()?.reject(new ParserTrap(String(error), { cause: error })),
    );
    this.#worker.on('exit', () => {
      this.#alive = false;
      this.#take()?.reject(new ParserTrap('the parser thread ended'));
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Rejects with {@link ParserTrap} where the parser broke down: then the thread has to be replaced. */
  async call(request: WindowCall): Promise<WorkerDone> {
    const { language, bytes, first } = request.window;
    const needs = { language, size: bytes.byteLength };
    const reply = await new Promise<WorkerReply>((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.ref();
      this.textBytes += needs.size;
      const message: WorkerRequest = { ...request, type: 'window', maximumPages: PARSER_PAGES };
      this.#worker.postMessage(message);
    });
    if (reply.type === 'trap') throw new ParserTrap(reply.message);
    this.#look(needs, first, reply.heapBytes);
    return reply;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Never rejects. */
  async #giveCode({ grammar: name }: CodeRequest): Promise<void> {
    const compiled = name === null ? compileRuntime() : compiledParser(languageByName(name)!);
    const code = await compiled.catch(String);
    const reply: CodeReply = { type: 'code', grammar: name, code };
    this.#worker.postMessage(reply);
  }

  #look(needs: Needs, first: boolean, heapBytes: number): void {
    if (heapBytes > this.#heapBytes) [this.#heapBytes, this.#grownFor] = [heapBytes, needs];
    // The end of a large file is short, and says nothing about the next one.
    if (!first) return;
    const { language, size } = this.#grownFor;
    const lessNow = needs.language !== language || needs.size < size / 2;
    this.oversized = lessNow && this.#heapBytes > LARGE_HEAP_BYTES;
  }

  #take() {
    const settle = this.#settle;
    this.#settle = undefined;
    return settle;
  }
}

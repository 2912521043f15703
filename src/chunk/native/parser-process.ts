import { TidemarkError } from '../../errors.ts';
import { ChildService } from '../../memory/child-process.ts';
import { entryPoint } from '../../memory/entry-point.ts';
import { ParserTrap, type WorkerDone } from '../parser-thread.ts';
import type { WindowRequest } from '../window-request.ts';
import type { NativeReply, NativeRequest, NativeSupport } from './protocol.ts';

const HEAP_MIB = 192;
/** Baseline compilation of WebAssembly, for which `cli/process-settings.ts` gives the reason; this process is all our own. */
const FLAGS = ['--liftoff-only'];
/** Parsing is bounded within the process; this is for a parser that does not come back at all. */
const DEADLINE_MS = 120_000;

/** The native parser was asked for and cannot be had here. */
export class NativeParserError extends TidemarkError {
  /** What is wrong, and what to do about it. */
  readonly reason: string;

  constructor(reason: string, options?: { cause?: unknown }) {
    const message = `the native parser cannot be used: ${reason}, or take --parser wasm`;
    super('ERR_TIDEMARK_NATIVE_PARSER', message, options);
    this.reason = reason;
  }
}

/** The process died over a window, which WebAssembly may yet parse. */
export class ParserCrash extends ParserTrap {}

/**
 * A process that parses with the native binding, and the call that it is busy with: one at a time. A file can crash it.
 * The owner stops it.
 */
export class ParserProcess {
  readonly #service: ChildService<NativeRequest, NativeReply & { readonly id: number }>;
  readonly #deadlineMs: number;

  constructor(options: { readonly deadlineMs?: number } = {}) {
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#service = new ChildService({
      entry: entryPoint('chunk/native/child'),
      heapMiB: HEAP_MIB,
      flags: FLAGS,
      // Of a process the heap that it tells is all that is resident.
      rssOf: (reply) => ('heapBytes' in reply ? Number(reply.heapBytes) : 0),
      died: (epitaph) => new ParserCrash(`the parser process ${epitaph}`),
    });
  }

  get pid(): number {
    return this.#service.pid;
  }

  get alive(): boolean {
    return this.#service.alive;
  }

  /**
   * With `wasmOnly` the native parser has no part in it. Rejects with {@link ParserCrash} where the process died, with
   * {@link ParserTrap} where the parser broke down, and with {@link NativeParserError} where the binding cannot be loaded.
   */
  async call({
    window,
    wasmOnly = false,
  }: {
    readonly window: WindowRequest;
    readonly wasmOnly?: boolean;
  }): Promise<WorkerDone> {
    const timer = setTimeout(() => this.#service.kill(), this.#deadlineMs);
    try {
      const reply = await this.#service.call({ type: 'window', window, wasmOnly });
      if (reply.type === 'unavailable') throw new NativeParserError(reply.message);
      if (reply.type !== 'done') throw new ParserTrap(reply.type === 'trap' ? reply.message : reply.type);
      return reply;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Which languages it parses with the binding. @throws {NativeParserError} */
  async probe(): Promise<NativeSupport> {
    const reply = await this.#service.call({ type: 'probe' }).catch((cause: Error) => {
      throw new NativeParserError(`${cause.message}; reinstall the dependencies`, { cause });
    });
    if (reply.type === 'support') return reply.support;
    throw new NativeParserError('message' in reply ? reply.message : reply.type);
  }

  async stop(): Promise<void> {
    this.#service.kill();
    await this.#service.exited;
  }
}

/** Finds out what the native parser can do here, in a process of its own. @throws {NativeParserError} */
export async function nativeSupport(): Promise<NativeSupport> {
  const process = new ParserProcess();
  try {
    return await process.probe();
  } finally {
    await process.stop();
  }
}

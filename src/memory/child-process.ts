import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { debugging } from './debug.ts';

export interface ChildServiceOptions {
  /** The module that it runs: a `.ts` file in the source tree, a `.js` file once built. */
  readonly entry: URL;
  /** Limit of its JavaScript heap; what native code takes lies outside of it. */
  readonly heapMiB: number;
  /** More flags for node. */
  readonly flags?: readonly string[];
  /** Resident bytes of the child that a reply tells. */
  readonly rssOf?: (reply: { readonly id: number }) => number;
  /** Sees the messages of the child that answer no call. */
  readonly onEvent?: (event: object) => void;
  /** What calls reject with once it is dead; `epitaph` says of what it died: `was killed by SIGABRT: its last words`. */
  readonly died: (epitaph: string, pid: number) => Error;
}

/** Kept of what a child writes to stderr, in characters: enough for the last words of a crash. */
const STDERR_TAIL = 2000;
const LOADER_FLAGS = new Set([
  '--import',
  '--require',
  '-r',
  '--loader',
  '--experimental-loader',
  '--conditions',
]);

/** What the children that are alive take, as each said last. */
const residentBytes = new Map<object, number>();

/** Resident bytes of all children that are alive, by what they said of themselves last. */
export function childrenBytes(): number {
  let total = 0;
  for (const bytes of residentBytes.values()) total += bytes;
  return total;
}

interface Pending<Reply> {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A process of tidemark's own that answers calls: for native code that may crash or take memory that it does not give
 * back. Each call carries an `id`, and so does its reply; a message without one is an event. Never throws from events: what goes wrong rejects the calls.
 * One that is idle does not keep the program from exiting; the owner closes or kills it.
 */
export class ChildService<Request extends object, Reply extends { readonly id: number }> {
  readonly #child: ChildProcess;
  readonly #died: ChildServiceOptions['died'];
  readonly #pending = new Map<number, Pending<Reply>>();
  /** Settles when the process is gone. */
  readonly exited: Promise<void>;
  #calls = 0;
  #stderr = '';
  #death: string | null = null;
  #closing = false;

  constructor(options: ChildServiceOptions) {
    const { entry, heapMiB, flags = [] } = options;
    this.#died = options.died;
    this.#child = fork(fileURLToPath(entry), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // One working thread needs one malloc arena; more of them only keep freed memory apart.
      env: { ...process.env, MALLOC_ARENA_MAX: '1' },
      execArgv: [
        ...(entry.pathname.endsWith('.ts') ? loaderFlags(process.execArgv) : []),
        `--max-old-space-size=${heapMiB}`,
        // Small, so that what is freed with the garbage is freed soon.
        '--max-semi-space-size=2',
        ...flags,
      ],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL);
      // Memory that it did not give back, for one.
      if (debugging()) process.stderr.write(text);
    });
    this.#child.on('message', (message: Reply | object) => {
      if ('id' in message) {
        if (options.rssOf && this.#death === null) residentBytes.set(this, options.rssOf(message));
        this.#take(message.id)?.resolve(message);
      } else options.onEvent?.(message);
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        if (this.#child.pid !== undefined) return;
        this.#die(`could not be started: ${error.message}`);
        resolve();
      });
      // Its last words are to be read first; 'close' would say when, but it stays away after disconnect().
      const silent = new Promise((done) => this.#child.stderr?.once('close', done));
      this.#child.once('exit', async (code, signal) => {
        await silent;
        this.#die(signal ? `was killed by ${signal}` : `exited with code ${code}`);
        resolve();
      });
    });
    this.#hold();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#death === null && this.#child.connected;
  }

  /** Calls the child. Rejects with what `died` makes where it is dead or dies first. */
  call(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.alive) {
        reject(this.#epitaph());
        return;
      }
      const id = this.#calls++;
      this.#pending.set(id, { resolve, reject });
      this.#hold();
      this.#child.send({ ...request, id }, (error) => {
        // Where the channel broke because the child died, its 'exit' follows and says more.
        if (error && this.#death === null && this.#child.connected) {
          this.#take(id)?.reject(this.#died(`cannot be reached: ${error.message}`, this.pid));
        }
      });
    });
  }

  /** Lets the child, which is to be idle, end after a last call; by force where that takes `graceMs`. Never rejects. */
  async close(goodbye: Request, graceMs: number): Promise<void> {
    this.#closing = true;
    this.#hold();
    const timer = setTimeout(() => this.kill(), graceMs);
    await this.call(goodbye).catch(() => {});
    if (this.#child.connected) this.#child.disconnect();
    await this.exited;
    clearTimeout(timer);
  }

  /** Ends the process now; calls in flight reject. */
  kill(): void {
    this.#closing = true;
    this.#hold();
    this.#child.kill('SIGKILL');
  }

  #take(id: number): Pending<Reply> | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.#hold();
    return pending;
  }

  #die(death: string): void {
    this.#death ??= death;
    residentBytes.delete(this);
    for (const pending of this.#pending.values()) pending.reject(this.#epitaph());
    this.#pending.clear();
  }

  #epitaph(): Error {
    const words = this.#stderr.trim().split('\n').at(-1);
    return this.#died(`${this.#death ?? 'is closed'}${words ? `: ${words}` : ''}`, this.pid);
  }

  /** An idle child does not keep the parent from exiting; one that works or is to end does. */
  #hold(): void {
    const handles = [
      this.#child,
      this.#child.channel,
      this.#child.stderr as { ref?(): void; unref?(): void } | null,
    ];
    for (const handle of handles) {
      if (this.#pending.size > 0 || this.#closing) handle?.ref?.();
      else handle?.unref?.();
    }
  }
}

/** Of the parent's flags those that make TypeScript sources load. */
function loaderFlags(flags: readonly string[]): string[] {
  return flags.filter((flag, index) => {
    const [name = ''] = flag.split('=', 1);
    return LOADER_FLAGS.has(name) || (LOADER_FLAGS.has(flags[index - 1] ?? '') && !flag.startsWith('-'));
  });
}

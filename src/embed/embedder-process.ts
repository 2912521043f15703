import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EmbedderCrashedError, fromRecord } from './errors.ts';
import type { DownloadEvent } from './hub-fetch.ts';
import type { CallName, Calls, Reply, Request } from './protocol.ts';

/** Kept of what a child writes to stderr, in characters: enough for the last words of a crash. */
const STDERR_TAIL = 2000;
const CLOSE_GRACE_MS = 5000;
const LOADER_FLAGS = new Set([
  '--import',
  '--require',
  '-r',
  '--loader',
  '--experimental-loader',
  '--conditions',
]);

interface Pending {
  readonly resolve: (reply: { output: never; rssBytes: number }) => void;
  readonly reject: (error: Error) => void;
}

/** The parent's side of one embedder process. Never throws from events: what goes wrong rejects the calls. */
export class EmbedderProcess {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #calls = 0;
  #stderr = '';
  #death: string | null = null;
  #closing = false;

  /** @param heapMiB limit of the JavaScript heap; the model itself lies outside of it */
  constructor(heapMiB: number, onEvent: (event: DownloadEvent) => void = () => {}) {
    const source = import.meta.url.endsWith('.ts');
    const entry = new URL(source ? './child.ts' : './child.js', import.meta.url);
    this.#child = fork(fileURLToPath(entry), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // One inference thread needs one malloc arena; more of them only keep freed memory apart.
      env: { ...process.env, MALLOC_ARENA_MAX: '1' },
      execArgv: [
        ...(source ? loaderFlags(process.execArgv) : []),
        `--max-old-space-size=${heapMiB}`,
        '--max-semi-space-size=2',
      ],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL);
    });
    this.#child.on('message', (reply: Reply) => {
      if ('event' in reply) onEvent(reply.event);
      else this.#settle(reply);
    });
    this.#exited = new Promise((resolve) => {
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

  /**
   * Calls the child; calls are answered in order.
   * @throws EmbedderCrashedError when the child dies first, or the error that the child threw
   */
  call<Name extends CallName>(
    name: Name,
    input: Calls[Name]['input'],
  ): Promise<{ output: Calls[Name]['output']; rssBytes: number }> {
    return new Promise((resolve, reject) => {
      if (!this.alive) {
        reject(new EmbedderCrashedError(this.#epitaph()));
        return;
      }
      const id = this.#calls++;
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      this.#hold();
      this.#child.send({ id, call: name, input } as Request, (error) => {
        // Where the channel broke because the child died, its 'exit' follows and says more.
        if (error && this.#death === null && this.#child.connected) {
          this.#settle({ id, rssBytes: 0, error: { code: '', message: error.message } });
        }
      });
    });
  }

  /** Ends the process, which is to be idle, by force if it does not go by itself. Never rejects. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#hold();
    const timer = setTimeout(() => this.kill(), CLOSE_GRACE_MS);
    await this.call('close', null).catch(() => {});
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited;
    clearTimeout(timer);
  }

  /** Ends the process now; calls in flight reject. */
  kill(): void {
    this.#closing = true;
    this.#hold();
    this.#child.kill('SIGKILL');
  }

  /** Settles when the process is gone. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  #settle(reply: Exclude<Reply, { event: DownloadEvent }>): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    this.#hold();
    if ('error' in reply) pending?.reject(fromRecord(reply.error));
    else pending?.resolve({ output: reply.output as never, rssBytes: reply.rssBytes });
  }

  #die(death: string): void {
    this.#death ??= death;
    for (const pending of this.#pending.values()) pending.reject(new EmbedderCrashedError(this.#epitaph()));
    this.#pending.clear();
  }

  #epitaph(): string {
    const words = this.#stderr.trim().split('\n').at(-1);
    return `The embedder process ${this.pid} ${this.#death ?? 'is closed'}${words ? `: ${words}` : ''}.`;
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

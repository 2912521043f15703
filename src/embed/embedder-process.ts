import { ChildService } from '../memory/child-process.ts';
import { entryPoint } from '../memory/entry-point.ts';
import { EmbedderCrashedError, fromRecord } from './errors.ts';
import type { DownloadEvent } from './hub-fetch.ts';
import type { CallName, Calls, Reply, Request } from './protocol.ts';

const CLOSE_GRACE_MS = 5000;

type Call = { [Name in CallName]: Omit<Extract<Request, { call: Name }>, 'id'> }[CallName];
type Answer = Extract<Reply, { id: number }>;

/** The parent's side of one embedder process. Never throws from events: what goes wrong rejects the calls. */
export class EmbedderProcess {
  readonly #service: ChildService<Call, Answer>;

  /** @param heapMiB limit of the JavaScript heap; the model itself lies outside of it */
  constructor(heapMiB: number, onEvent: (event: DownloadEvent) => void = () => {}) {
    this.#service = new ChildService({
      entry: entryPoint('embed/child'),
      heapMiB,
      rssOf: (reply) => (reply as Answer).rssBytes,
      onEvent: (message) => onEvent((message as Exclude<Reply, Answer>).event),
      died: (epitaph, pid) => new EmbedderCrashedError(`The embedder process ${pid} ${epitaph}.`),
    });
  }

  get pid(): number {
    return this.#service.pid;
  }

  get alive(): boolean {
    return this.#service.alive;
  }

  /**
   * Calls the child; calls are answered in order.
   * @throws EmbedderCrashedError when the child dies first, or the error that the child threw
   */
  async call<Name extends CallName>(
    name: Name,
    input: Calls[Name]['input'],
  ): Promise<{ output: Calls[Name]['output']; rssBytes: number }> {
    const reply = await this.#service.call({ call: name, input } as Call);
    if ('error' in reply) throw fromRecord(reply.error);
    return { output: reply.output as Calls[Name]['output'], rssBytes: reply.rssBytes };
  }

  /** Ends the process, which is to be idle, by force if it does not go by itself. Never rejects. */
  close(): Promise<void> {
    return this.#service.close({ call: 'close', input: null }, CLOSE_GRACE_MS);
  }

  /** Ends the process now; calls in flight reject. */
  kill(): void {
    this.#service.kill();
  }

  /** Settles when the process is gone. */
  get exited(): Promise<void> {
    return this.#service.exited;
  }
}

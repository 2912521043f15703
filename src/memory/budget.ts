import { debugging } from './debug.ts';

/** Bytes taken from a budget. `release` (or `using`) gives them back; a second call does nothing. */
export interface Lease extends Disposable {
  readonly bytes: number;
  /** Who took them: a stage, such as `window` or `vectors`. */
  readonly owner: string;
  release(): void;
}

/** Leases of one owner that were not given back. */
export interface Outstanding {
  readonly owner: string;
  readonly leases: number;
  readonly bytes: number;
}

interface Waiter {
  readonly owner: string;
  readonly bytes: number;
  readonly grant: () => void;
  readonly cancel: () => void;
  readonly reject: (reason: Error) => void;
}

/**
 * A number of bytes that stages take from before they allocate and give back after. A stage that cannot get its bytes
 * waits in line: that is the back-pressure. A request above the whole is granted once nothing else is out, so that one
 * large thing cannot wait for ever.
 */
export class MemoryBudget implements Disposable {
  #total: number;
  #taken = 0;
  readonly #out = new Set<Lease>();
  #reserved = 0;
  readonly #waiting: Waiter[] = [];
  /** Under TIDEMARK_DEBUG=1: where each lease was taken. */
  readonly #places: Map<Lease, string> | null;

  constructor(totalBytes: number) {
    this.#total = totalBytes;
    this.#places = debugging() ? new Map() : null;
  }

  get totalBytes(): number {
    return this.#total;
  }

  /** Bytes that are out now. */
  get takenBytes(): number {
    return this.#taken;
  }

  /** Leases that are out now: 0 once every stage has ended. */
  get leases(): number {
    return this.#out.size;
  }

  /** Makes the whole smaller or larger. What is out stays out; who comes next waits for the new size. */
  resize(totalBytes: number): void {
    this.#total = totalBytes;
    this.#serve();
  }

  /** Takes `bytes`, waiting for them in order of arrival. The caller releases. Rejects with the signal's reason. */
  async take(bytes: number, owner: string, signal?: AbortSignal): Promise<Lease> {
    signal?.throwIfAborted();
    if (this.#waiting.length === 0 && this.#fits(bytes)) return this.#grant(bytes, owner);
    return new Promise((resolve, reject) => {
      const forget = () => signal?.removeEventListener('abort', waiter.cancel);
      const waiter: Waiter = {
        owner,
        bytes,
        grant: () => {
          forget();
          resolve(this.#grant(bytes, owner));
        },
        reject: (reason) => {
          forget();
          reject(reason);
        },
        cancel: () => {
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
          reject(signal?.reason);
          this.#serve();
        },
      };
      signal?.addEventListener('abort', waiter.cancel, { once: true });
      this.#waiting.push(waiter);
    });
  }

  /** Takes bytes that a stage holds for its whole time, at once and whatever is out. The caller releases. */
  reserve(bytes: number, owner: string): Lease {
    this.#reserved++;
    return this.#grant(bytes, owner, () => this.#reserved--);
  }

  /** What is out now, by owner. */
  outstanding(): Outstanding[] {
    const owners = new Map<string, { owner: string; leases: number; bytes: number }>();
    for (const { owner, bytes } of this.#out) {
      const entry = owners.get(owner) ?? { owner, leases: 0, bytes: 0 };
      entry.leases++;
      entry.bytes += bytes;
      owners.set(owner, entry);
    }
    return [...owners.values()];
  }

  /**
   * Ends the budget: whoever waits is rejected. Under TIDEMARK_DEBUG=1 a warning names each lease that was not given back,
   * and where it was taken.
   */
  [Symbol.dispose](): void {
    for (const { owner, reject } of this.#waiting.splice(0)) {
      reject(new Error(`the memory that ${owner} waits for will not come: its budget has ended`));
    }
    if (this.#places === null) return;
    for (const { owner, leases, bytes } of this.outstanding()) {
      const first = [...this.#out].find((lease) => lease.owner === owner)!;
      process.emitWarning(`${leases} of ${owner} not returned, ${bytes} bytes; the first was taken`, {
        type: 'MemoryLeaseWarning',
        detail: this.#places.get(first) ?? '',
      });
    }
  }

  #fits(bytes: number): boolean {
    return this.#out.size === this.#reserved || this.#taken + bytes <= this.#total;
  }

  #grant(bytes: number, owner: string, released: () => void = () => {}): Lease {
    const release = () => {
      if (!this.#out.delete(lease)) return;
      released();
      this.#places?.delete(lease);
      this.#taken -= bytes;
      this.#serve();
    };
    const lease: Lease = { bytes, owner, release, [Symbol.dispose]: release };
    this.#taken += bytes;
    this.#out.add(lease);
    this.#places?.set(lease, new Error(owner).stack ?? '');
    return lease;
  }

  #serve(): void {
    while (this.#waiting.length > 0 && this.#fits(this.#waiting[0]!.bytes)) this.#waiting.shift()!.grant();
  }
}

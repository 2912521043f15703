/**
 * An abort controller that is also aborted with any of some longer-lived signals. Whoever makes it disposes it, and
 * they forget it: of every `AbortSignal.any` a signal keeps a weak reference for as long as it lives.
 *
 * Source: https://nodejs.org/docs/latest-v20.x/api/globals.html#static-method-abortsignalanysignals
 */
export class LinkedAbort implements Disposable {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #follow = (event: Event): void => this.abort((event.target as AbortSignal).reason);

  constructor(...sources: readonly AbortSignal[]) {
    this.#sources = sources;
    const aborted = sources.find((source) => source.aborted);
    if (aborted !== undefined) this.abort(aborted.reason);
    else for (const source of sources) source.addEventListener('abort', this.#follow);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    this.#forget();
    this.#controller.abort(reason);
  }

  /** The signal is not aborted by this, and by its sources no more. */
  [Symbol.dispose](): void {
    this.#forget();
  }

  #forget(): void {
    for (const source of this.#sources) source.removeEventListener('abort', this.#follow);
  }
}

import type { VectorKey } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

/** Vectors on their way into the store. The owner writes them before they take too much. */
export class VectorBatch {
  readonly #store: Pick<Store, 'addVectors'>;
  readonly #keys: VectorKey[] = [];
  readonly #vectors: Float32Array[] = [];
  readonly #byHash = new Map<string, Float32Array>();

  constructor(store: Pick<Store, 'addVectors'>) {
    this.#store = store;
  }

  /** Of the vectors; they take as much again while they are written. */
  get byteLength(): number {
    return this.#keys.length * (this.#vectors[0]?.byteLength ?? 0);
  }

  /** The vector of a content, where it is not written yet. */
  of(hash: string): Float32Array | undefined {
    return this.#byHash.get(hash);
  }

  add({ id, hash, path, language, kind }: VectorKey, vector: Float32Array): void {
    this.#keys.push({ id, hash, path, language, kind });
    this.#vectors.push(vector);
    this.#byHash.set(hash, vector);
  }

  /** Writes what is there. Where that fails it stays, for the next call; what comes meanwhile stays, too. */
  async write(): Promise<void> {
    if (this.#keys.length === 0) return;
    const keys = this.#keys.slice();
    const dimensions = this.#vectors[0]!.length;
    const all = new Float32Array(keys.length * dimensions);
    for (const [i] of keys.entries()) all.set(this.#vectors[i]!, i * dimensions);
    await this.#store.addVectors(keys, all);
    this.#keys.splice(0, keys.length);
    this.#vectors.splice(0, keys.length);
    for (const { hash } of keys) this.#byHash.delete(hash);
  }
}

import { ModelMismatchError } from './errors.ts';
import { type Meta, type ModelIdentity, readMeta, writeMeta } from './meta.ts';

/** The metadata of an open index: as last read, and changed by its one writer. */
export class IndexMeta {
  readonly #dir: string;
  #meta: Meta;

  constructor(dir: string, meta: Meta) {
    this.#dir = dir;
    this.#meta = meta;
  }

  get current(): Meta {
    return this.#meta;
  }

  async refresh(): Promise<Meta> {
    this.#meta = await readMeta(this.#dir);
    return this.#meta;
  }

  /** @throws {ModelMismatchError} when the index is bound to another model, dtype or dimension */
  assertModel(model: ModelIdentity): void {
    const known = this.#meta.model;
    const same =
      known?.id === model.id && known.dtype === model.dtype && known.dimensions === model.dimensions;
    if (known !== null && !same) throw new ModelMismatchError(this.#dir, describe(known), describe(model));
  }

  /** @throws {ModelMismatchError} as `assertModel` does */
  async setModel(model: ModelIdentity): Promise<void> {
    this.assertModel(model);
    if (this.#meta.model === null) await this.#write({ ...this.#meta, model: { ...model } });
  }

  async setChunker(version: string): Promise<void> {
    if (this.#meta.chunker !== version) await this.#write({ ...this.#meta, chunker: version });
  }

  async #write(meta: Meta): Promise<void> {
    await writeMeta(this.#dir, meta);
    this.#meta = meta;
  }
}

const describe = (model: ModelIdentity): string => `${model.id} (${model.dtype}, ${model.dimensions})`;

import { ModelMismatchError } from './errors.ts';
import { type Meta, type ModelIdentity, readMeta, writeMeta } from './meta.ts';
import type { Place } from './place.ts';

/** The metadata of an open index: as last read, and changed by its one writer. */
export class IndexMeta {
  readonly #place: Place;
  #meta: Meta;

  constructor(place: Place, meta: Meta) {
    this.#place = place;
    this.#meta = meta;
  }

  get current(): Meta {
    return this.#meta;
  }

  async refresh(): Promise<Meta> {
    this.#meta = await readMeta(this.#place);
    return this.#meta;
  }

  /** @throws {ModelMismatchError} when the index is bound to another model, dtype or dimension */
  assertModel(model: ModelIdentity): void {
    const known = this.#meta.model;
    const same =
      known?.id === model.id && known.dtype === model.dtype && known.dimensions === model.dimensions;
    if (known !== null && !same)
      throw new ModelMismatchError(this.#place.name, describe(known), describe(model));
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
    await writeMeta(this.#place, meta);
    this.#meta = meta;
  }
}

const describe = (model: ModelIdentity): string => `${model.id} (${model.dtype}, ${model.dimensions})`;

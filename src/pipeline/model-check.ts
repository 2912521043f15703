import { BUNDLED_IDENTITY, BUNDLED_MODEL_ID } from '../embed/bundled-model.ts';
import type { Admit } from '../embed/embedder.ts';
import type { Device } from '../embed/model-files.ts';
import type { ModelUse } from '../embed/model-name.ts';
import { expectsNativeRuntime } from '../embed/native-runtime.ts';
import { isRemoteModel } from '../embed/remote/target.ts';
import type { TextEmbedder } from '../embed/text-embedder.ts';
import type { ModelIdentity } from '../store/meta.ts';
import type { Store } from '../store/store.ts';

export interface ModelQuestion {
  readonly store: Store;
  readonly use: ModelUse;
  readonly device: Device | 'auto';
  readonly newEmbedder: (admit: Admit) => TextEmbedder;
  /** Throws where the budget is too small for a process of so many bytes; null as of {@link ModelCheck.bytes}. */
  readonly admit: (bytes: number | null) => void;
  readonly signal: AbortSignal;
}

/**
 * A model that will not do, or not within the budget, is refused before an hour's work and not after. The bundled one is
 * known without loading it; another has to be loaded, if only to see that it can be: once for all updates of an open
 * index, whose rounds of `watch` would load it twice each. Nobody disposes it.
 */
export class ModelCheck {
  #known: { readonly asked: string; readonly identity: ModelIdentity } | null = null;
  /** Bytes that a process with the model takes; null where nobody has seen one, and for what is known: the bundled model on the CPU. */
  bytes: number | null = null;
  /** Where that was seen. */
  device: Device | null = null;

  /** @throws {ModelMismatchError} as the store does; whatever loading the model throws */
  async run({ store, use, device: wanted, newEmbedder, admit, signal }: ModelQuestion): Promise<void> {
    const asked = JSON.stringify(use);
    if (this.#known?.asked === asked) {
      if (this.bytes !== null) admit(this.bytes);
      store.assertModel(this.#known.identity);
      return;
    }
    const expected = wanted === 'auto' ? 'cpu' : wanted;
    if (isKnownOn(expected, use) && expectsNativeRuntime()) {
      store.assertModel(BUNDLED_IDENTITY);
      [this.bytes, this.device] = [null, null];
      return;
    }
    await using embedder = newEmbedder(({ device, bytes }) => {
      this.bytes = isKnownOn(device, use) ? null : bytes;
      this.device = device;
      admit(this.bytes);
      return null;
    });
    const { id, dtype, dimensions } = await embedder.start(signal);
    store.assertModel({ id, dtype, dimensions });
    // A server may be another one tomorrow, and is asked in no time.
    if (!isRemoteModel(use.model ?? '')) this.#known = { asked, identity: { id, dtype, dimensions } };
  }
}

/** Whether the weights of the model on the device, and what a process takes with it, are known without loading it. */
export function isKnownOn(device: Device, { model, dtype, dimensions }: ModelUse): boolean {
  const bundled = model === undefined || model === BUNDLED_MODEL_ID;
  return device === 'cpu' && bundled && dtype === undefined && dimensions === undefined;
}

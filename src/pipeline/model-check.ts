import { BUNDLED_IDENTITY, BUNDLED_MODEL_ID } from '../embed/bundled-model.ts';
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
  readonly newEmbedder: (admit: (bytes: number) => void) => TextEmbedder;
  /** Throws where the budget is too small for a model that takes so much. */
  readonly admit: (bytes: number) => void;
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

  /** @throws {ModelMismatchError} as the store does; whatever loading the model throws */
  async run({ store, use, device: wanted, newEmbedder, admit, signal }: ModelQuestion): Promise<void> {
    const asked = JSON.stringify(use);
    if (this.#known?.asked === asked) {
      if (this.bytes !== null) admit(this.bytes);
      store.assertModel(this.#known.identity);
      return;
    }
    const bundled = use.model === undefined || use.model === BUNDLED_MODEL_ID;
    const usual = bundled && use.dtype === undefined && use.dimensions === undefined;
    if (usual && isKnownOn(wanted)) {
      store.assertModel(BUNDLED_IDENTITY);
      return;
    }
    await using embedder = newEmbedder((bytes) => {
      admit(bytes);
      this.bytes = bytes;
    });
    const { id, dtype, dimensions, device } = await embedder.start(signal);
    if (usual && device === 'cpu') this.bytes = null;
    store.assertModel({ id, dtype, dimensions });
    // A server may be another one tomorrow, and is asked in no time.
    if (!isRemoteModel(use.model ?? '')) this.#known = { asked, identity: { id, dtype, dimensions } };
  }
}

/** Whether the weights of the bundled model, and what it takes, are known without loading it on the device. */
function isKnownOn(device: Device | 'auto'): boolean {
  return (device === 'auto' || device === 'cpu') && expectsNativeRuntime();
}

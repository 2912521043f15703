import { BUNDLED_IDENTITY, BUNDLED_MODEL_ID } from '../embed/bundled-model.ts';
import type { Admit, ProcessNeed } from '../embed/embedder.ts';
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
  #seen: ProcessNeed | null = null;
  #known: { readonly asked: string; readonly identity: ModelIdentity } | null = null;
  /** Bytes that a process with the model takes; null where nobody has seen one, and for what is known: the bundled model on the CPU. */
  get bytes(): number | null {
    return this.#seen?.bytes ?? null;
  }

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
      this.#seen = null;
      return;
    }
    await using embedder = newEmbedder((need) => {
      this.#seen = isKnownOn(need.device, use) ? null : need;
      admit(this.bytes);
      return null;
    });
    const { id, dtype, dimensions } = await embedder.start(signal);
    store.assertModel({ id, dtype, dimensions });
    // A server may be another one tomorrow, and is asked in no time.
    if (!isRemoteModel(use.model ?? '')) this.#known = { asked, identity: { id, dtype, dimensions } };
  }

  /** What a process that has the model goes by, as {@link bytes}; on a device that nobody looked at, what it needs itself. */
  bytesOf(need: ProcessNeed, use: ModelUse): number | null {
    if (isKnownOn(need.device, use)) return null;
    return need.device === this.#seen?.device ? this.#seen.bytes : need.bytes;
  }
}

/** Whether the weights of the model on the device, and what a process takes with it, are known without loading it. */
function isKnownOn(device: Device, { model, dtype, dimensions }: ModelUse): boolean {
  const bundled = model === undefined || model === BUNDLED_MODEL_ID;
  return device === 'cpu' && bundled && dtype === undefined && dimensions === undefined;
}

import { Embedder, type EmbedderEvent, type EmbedderOptions } from './embedder.ts';
import { DeviceError, ModelInvalidError } from './errors.ts';
import { RemoteEmbedder, type RemoteEvent } from './remote/remote-embedder.ts';
import { isRemoteModel } from './remote/target.ts';
import type { TextEmbedder } from './text-embedder.ts';

export interface TextEmbedderOptions extends Omit<EmbedderOptions, 'onEvent'> {
  /** For a model on a server: what requests and their answers may hold together, in bytes. */
  readonly inFlightBytes?: number | undefined;
  /** What happens while it works. What it throws is ignored. */
  readonly onEvent?: ((event: EmbedderEvent | RemoteEvent) => void) | undefined;
}

/**
 * The embedder for `--model`: one that asks a server where it is an address, or else one that runs the model here.
 * @throws DeviceError, ModelUrlError, ModelInvalidError
 */
export function createEmbedder({ inFlightBytes, ...options }: TextEmbedderOptions = {}): TextEmbedder {
  const { model, device = 'auto', dtype, dimensions, onEvent } = options;
  if (model === undefined || !isRemoteModel(model)) return new Embedder(options);
  if (device !== 'auto') {
    throw new DeviceError(
      `--device ${device} is not for a model on a server, which has its own; leave it out.`,
    );
  }
  if (dtype !== undefined) {
    throw new ModelInvalidError(
      `The weights of a model on a server are not chosen here; leave ${dtype} out.`,
    );
  }
  return new RemoteEmbedder({ model, dimensions, inFlightBytes, onEvent });
}

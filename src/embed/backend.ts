import { DeviceError } from './errors.ts';

/** Sees the hidden states of sequence `index` of a batch: row-major [longest sequence of the batch, dimensions]. */
export type HiddenVisitor = (index: number, hidden: Float32Array, dimensions: number) => void;

/** A loaded model. Whoever opened it releases it, after the last run has settled. */
export interface BackendSession {
  /** Tensors that are made and not yet disposed; 0 between runs. */
  readonly liveTensors: number;
  /**
   * Runs the model over sequences of token ids, shorter ones padded and masked. What `visit` is given is valid only
   * during that call.
   */
  run(sequences: readonly (readonly number[])[], visit: HiddenVisitor): Promise<void>;
  release(): Promise<void>;
}

/** One way to run a model. A device is one of these and a line in {@link openBackend}. */
export interface Backend {
  readonly device: string;
  /** Version of the runtime below. */
  readonly version: string;
  open(onnxPath: string): Promise<BackendSession>;
}

/** @throws DeviceError when the device does not work here */
export async function openBackend(device: 'cpu'): Promise<Backend> {
  const { openCpuBackend } = await import('./backend-cpu.ts');
  try {
    return await openCpuBackend();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    throw new DeviceError(
      `onnxruntime-node, which runs models on the ${device}, does not load on ${process.platform}-${process.arch} (${reason}). Reinstall it, or use --no-embed.`,
      { cause },
    );
  }
}

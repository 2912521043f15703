import type { BatchLimits } from './batches.ts';
import { DeviceError } from './errors.ts';
import type { Device } from './model-files.ts';

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

/** One way to run a model. */
export interface Backend {
  readonly device: Device;
  /** Name and version of the runtime below. */
  readonly runtime: string;
  /** What pays in one run; null where one sequence at a time is best. */
  readonly batch: BatchLimits | null;
  /** False where a token id that the model does not know gives garbage and no error. */
  readonly checksIds: boolean;
  open(onnxPath: string): Promise<BackendSession>;
}

const OPEN: Record<Device, () => Promise<Backend>> = {
  cpu: async () => (await import('./backend-cpu.ts')).openCpuBackend(),
  wasm: async () => (await import('./backend-wasm.ts')).openWasmBackend(),
  webgpu: async () => (await import('./backend-webgpu.ts')).openWebgpuBackend(),
};

/** What to do where a device does not work. */
const ADVICE: Record<Device, string> = {
  cpu: 'Reinstall onnxruntime-node, or use --device wasm.',
  wasm: 'Reinstall onnxruntime-web, or use --device cpu.',
  webgpu: 'It takes a Vulkan driver for a GPU (on Linux libvulkan.so.1 and its ICD). Use --device cpu.',
};

/** @throws DeviceError when the device does not work here */
export async function openBackend(device: Device): Promise<Backend> {
  try {
    return await OPEN[device]();
  } catch (cause) {
    const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n', 1);
    // What fails within onnxruntime begins with the place in its source and the condition.
    const reason = line.replace(/^\/\S+\.cc:.* was false\. /, '');
    throw new DeviceError(
      `No model runs on ${device} on this ${process.platform}-${process.arch} machine (${reason}). ${ADVICE[device]}`,
      { cause },
    );
  }
}

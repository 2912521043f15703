import { stat } from 'node:fs/promises';
import { bundledDtype, bundledWeightsBytes } from './bundled-model.ts';
import type { Device, ModelRequest } from './model-files.ts';
import { externalDataOf } from './onnx-variants.ts';

/**
 * What a process takes with a model loaded, by the size of its weights; measured of the bundled model's 23 and 90 MB. On
 * a GPU the weights lie in its own memory once they are loaded, but pass through ours.
 */
const LOADED: Record<Device, { readonly bytes: number; readonly times: number }> = {
  cpu: { bytes: 115e6, times: 1.4 },
  webgpu: { bytes: 115e6, times: 1.4 },
  wasm: { bytes: 225e6, times: 4 },
};

/** Resident bytes that a process will take with the model in it, about; nothing is loaded for it. */
export async function expectedBytes({ files, dtype, device }: ModelRequest): Promise<number> {
  const { bytes, times } = LOADED[device];
  const weights =
    files === null ? bundledWeightsBytes(bundledDtype(dtype, device)) : await weightsBytes(files.onnxPath);
  return bytes + times * weights;
}

async function weightsBytes(onnxPath: string): Promise<number> {
  const paths = [onnxPath, ...(await externalDataOf(onnxPath))];
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

import { stat } from 'node:fs/promises';
import { bundledDtype, bundledWeights, type ModelWeights } from './bundled-model.ts';
import type { Device, ModelRequest } from './model-files.ts';
import { externalDataOf } from './onnx-variants.ts';

/**
 * What a process takes with a model, by the size of its weights in the model's file and beside it; measured of the bundled
 * model's 24 and 90 MB. On a GPU the weights lie in its own memory once they are loaded, but pass through ours.
 */
const LOADED: Record<Device, { readonly bytes: number; readonly inside: number; readonly beside: number }> = {
  // Matrices are copied once, wherever they lie; of the words' table beside a model texts make more and more resident.
  cpu: { bytes: 115e6, inside: 1.4, beside: 1 },
  webgpu: { bytes: 115e6, inside: 1.4, beside: 1.4 },
  wasm: { bytes: 225e6, inside: 4, beside: 3.6 },
};

/** Resident bytes that a process will take with the model in it, about; nothing is loaded for it. */
export async function expectedBytes(request: ModelRequest): Promise<number> {
  return withWeights(request.device, await weightsOf(request));
}

/** What a process will take that has just loaded the model and takes `loadedBytes`: of weights beside it there are few yet. */
export async function workingBytes(request: ModelRequest, loadedBytes: number): Promise<number> {
  const weights = await weightsOf(request);
  return weights.beside === 0 ? loadedBytes : Math.max(loadedBytes, withWeights(request.device, weights));
}

function withWeights(device: Device, weights: ModelWeights): number {
  const { bytes, inside, beside } = LOADED[device];
  return bytes + inside * weights.inside + beside * weights.beside;
}

async function weightsOf({ files, dtype, device }: ModelRequest): Promise<ModelWeights> {
  if (files === null) return bundledWeights(bundledDtype(dtype, device));
  const size = async (path: string) => (await stat(path)).size;
  const beside = await Promise.all((await externalDataOf(files.onnxPath)).map(size));
  return { inside: await size(files.onnxPath), beside: beside.reduce((sum, bytes) => sum + bytes, 0) };
}

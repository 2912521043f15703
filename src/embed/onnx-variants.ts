import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Dtype } from './model-files.ts';

/** What exporters put behind `model`, by dtype: https://huggingface.co/docs/transformers.js/guides/dtypes */
const SUFFIX: Record<Dtype, string> = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
};

/** Best first. A GPU has no 8-bit kernels and copies to the CPU and back for each; a CPU has none for half floats. */
const PREFERENCE = {
  cpu: ['q8', 'uint8', 'int8', 'fp32', 'q4', 'fp16', 'q4f16'],
  gpu: ['fp32', 'fp16', 'q4', 'q4f16', 'q8', 'uint8', 'int8'],
} as const satisfies Record<string, readonly Dtype[]>;

export const DTYPES = Object.keys(SUFFIX) as readonly Dtype[];

export interface OnnxVariant {
  readonly dtype: Dtype;
  /** Relative to the model, with `/`. */
  readonly path: string;
}

/** Where the weights may lie, best first: those of one dtype, or of all that the device runs. */
export function onnxVariants(dtype: Dtype | null, device: string): OnnxVariant[] {
  const dtypes = dtype ? [dtype] : PREFERENCE[device === 'webgpu' ? 'gpu' : 'cpu'];
  return dtypes.flatMap((name) =>
    ['onnx/', ''].map((folder) => ({ dtype: name, path: `${folder}model${SUFFIX[name]}.onnx` })),
  );
}

/** Whether `path` holds weights that the graph `onnxPath` refers to: above 2 GB they lie beside it. */
export function isExternalData(path: string, onnxPath: string): boolean {
  return path.startsWith(onnxPath) && /^(?:_data(?:_\d+)?|\.data)$/.test(path.slice(onnxPath.length));
}

/** The files of weights beside the graph at `onnxPath`, in the order of their names. */
export async function externalDataOf(onnxPath: string): Promise<string[]> {
  const [directory, name] = [dirname(onnxPath), basename(onnxPath)];
  const entries = await readdir(directory);
  const found = entries.filter((entry) => isExternalData(entry, name));
  return found.sort().map((entry) => join(directory, entry));
}

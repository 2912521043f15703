import { ModelIntegrityError } from './errors.ts';

/** One entry of `weightsManifest[0].weights` of a TensorFlow.js graph model. */
interface ManifestEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string; readonly min: number; readonly scale: number };
}

/** A tensor stored as one byte an element; the value of element q is `q * scale + min`. */
export interface QuantizedTensor {
  readonly shape: readonly number[];
  /** Row-major; a view into the weights file. */
  readonly data: Uint8Array;
  readonly scale: number;
  readonly min: number;
}

/**
 * The float tensors of a TensorFlow.js graph model whose weights were quantized to uint8 per tensor.
 * Format: https://github.com/tensorflow/tfjs/tree/master/tfjs-converter#format-conversion-details
 */
export class TfjsWeights {
  readonly #tensors = new Map<string, QuantizedTensor>();

  /** @throws ModelIntegrityError when the manifest and the weights do not fit together */
  constructor(modelJson: string, weights: Uint8Array) {
    let offset = 0;
    for (const entry of readManifest(modelJson)) {
      const elements = entry.shape.reduce((product, size) => product * size, 1);
      const { quantization } = entry;
      const bytes = elements * (quantization ? 1 : 4);
      if (quantization?.dtype === 'uint8') {
        const data = weights.subarray(offset, offset + bytes);
        this.#tensors.set(entry.name, {
          shape: entry.shape,
          data,
          scale: quantization.scale,
          min: quantization.min,
        });
      } else if (quantization || (entry.dtype !== 'int32' && entry.dtype !== 'float32')) {
        throw new ModelIntegrityError(`Weight ${entry.name} has a type that cannot be converted.`);
      }
      offset += bytes;
    }
    if (offset !== weights.length) {
      throw new ModelIntegrityError(`The weights have ${weights.length} bytes, the manifest says ${offset}.`);
    }
  }

  /** @throws ModelIntegrityError when there is no such tensor, or it has another shape */
  tensor(name: string, shape: readonly number[]): QuantizedTensor {
    const tensor = this.#tensors.get(name);
    if (!tensor || tensor.shape.join() !== shape.join()) {
      throw new ModelIntegrityError(`The model has no weight ${name} of shape [${shape.join(', ')}].`);
    }
    return tensor;
  }
}

function readManifest(modelJson: string): readonly ManifestEntry[] {
  const model = JSON.parse(modelJson) as { weightsManifest?: { weights: ManifestEntry[] }[] };
  const [group, ...rest] = model.weightsManifest ?? [];
  if (!group || rest.length > 0)
    throw new ModelIntegrityError('The model does not have one group of weights.');
  return group.weights;
}

/** The zero-point `z` for which `(q - z) * scale` equals `q * scale + min`. */
export function zeroPoint(tensor: QuantizedTensor): number {
  const exact = -tensor.min / tensor.scale;
  const rounded = Math.round(exact);
  if (rounded < 0 || rounded > 255 || Math.abs(exact - rounded) > 1e-3) {
    throw new ModelIntegrityError(
      `A weight of shape [${tensor.shape.join(', ')}] has no integral zero-point.`,
    );
  }
  return rounded;
}

/** The tensor as float32, little-endian bytes, in blocks of at most 1 MiB. */
export function* dequantize(tensor: QuantizedTensor): Generator<Uint8Array> {
  const block = 1 << 18;
  for (let start = 0; start < tensor.data.length; start += block) {
    const part = tensor.data.subarray(start, start + block);
    const bytes = new Uint8Array(part.length * 4);
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < part.length; index++) {
      view.setFloat32(index * 4, part[index]! * tensor.scale + tensor.min, true);
    }
    yield bytes;
  }
}

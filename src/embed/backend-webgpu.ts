import type { Backend } from './backend.ts';
import type { BatchLimits } from './batches.ts';
import { loadNativeRuntime } from './native-runtime.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { OrtSession } from './ort-session.ts';

/**
 * A GPU is idle with fewer tokens, and the states of a larger batch are hundreds of megabytes. Of a buffer of more than
 * 128 MiB, which is what each adapter binds at least (https://www.w3.org/TR/webgpu/#limits), the rest is not seen, without
 * an error: the states are for layers of eight times the dimensions, the pairs for attention in 32 heads, in 4 bytes each.
 */
const LIMITS: BatchLimits = { tokens: 8192, states: 2 ** 22, pairs: 2 ** 20 };

/** onnxruntime's native WebGPU provider. Rejects where no adapter is found. */
export async function openWebgpuBackend(): Promise<Backend> {
  const ort = await loadNativeRuntime();
  const options = {
    executionProviders: ['webgpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    enableMemPattern: false,
    logSeverityLevel: 3,
  } as const;
  // Whether there is an adapter is seen only by opening a model.
  const probe = await ort.InferenceSession.create(smallestModel(), options);
  await probe.release();
  return {
    device: 'webgpu',
    runtime: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}`,
    batch: LIMITS,
    checksIds: false,
    open: (onnxPath) => OrtSession.open(ort, onnxPath, options),
  };
}

function smallestModel(): Uint8Array {
  const graph = new OnnxGraph();
  const input = graph.input('x', 'float', [1]);
  graph.output('y', graph.node('Add', [input, input]), 'float', [1]);
  return Buffer.concat([...graph.serialize('probe').produce()]);
}

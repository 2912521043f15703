import type { Backend } from './backend.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { OrtSession } from './ort-session.ts';

/** A GPU is idle with less than this, and the states of a larger batch are hundreds of megabytes. */
const BATCH_TOKENS = 8192;

/** onnxruntime's native WebGPU provider. Rejects where no adapter is found. */
export async function openWebgpuBackend(): Promise<Backend> {
  const ort = await import('onnxruntime-node');
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
    batchTokens: BATCH_TOKENS,
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

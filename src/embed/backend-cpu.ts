import type { Backend } from './backend.ts';
import { loadNativeRuntime } from './native-runtime.ts';
import { OrtSession } from './ort-session.ts';

/** onnxruntime's native CPU provider. Loading it costs memory, so it is imported only where models run. */
export async function openCpuBackend(): Promise<Backend> {
  const ort = await loadNativeRuntime();
  return {
    device: 'cpu',
    runtime: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}`,
    // More at a time gains nothing, takes memory, and with 8-bit weights makes a vector depend on its neighbours.
    batch: null,
    checksIds: true,
    open: (onnxPath) =>
      OrtSession.open(ort, onnxPath, {
        executionProviders: ['cpu'],
        // One thread a process: more of them did not gain, and spread over processes the CPU is used better.
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        // Patterns are kept for each shape seen, and every text has its own length.
        enableMemPattern: false,
        logSeverityLevel: 3,
      }),
  };
}

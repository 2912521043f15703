import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import type { Backend } from './backend.ts';
import { externalDataOf } from './onnx-variants.ts';
import { type Ort, OrtSession } from './ort-session.ts';

/**
 * onnxruntime compiled to WebAssembly, for platforms that have no native build: some ten times slower. Its memory comes
 * back only with the end of the process.
 */
export async function openWasmBackend(): Promise<Backend> {
  const ort = await import('onnxruntime-web');
  // One thread, as on the CPU. A directory, or it would look for its .wasm on the network.
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = `${dirname(createRequire(import.meta.url).resolve('onnxruntime-web'))}/`;
  return {
    device: 'wasm',
    runtime: `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common}`,
    batch: null,
    checksIds: true,
    async open(onnxPath) {
      const beside = await externalDataOf(onnxPath);
      return OrtSession.open(ort as unknown as Ort, onnxPath, {
        executionProviders: ['wasm'],
        // What lies beside the model it does not find by itself.
        externalData: beside.map((path) => ({ path: basename(path), data: path })),
        enableMemPattern: false,
        logSeverityLevel: 3,
      });
    },
  };
}

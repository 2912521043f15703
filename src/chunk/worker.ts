import { parentPort } from 'node:worker_threads';
import { initRuntime, loadGrammar, runtimeHeapBytes } from './grammar-loader.ts';
import { languageByName } from './languages.ts';
import type { WorkerReply, WorkerRequest } from './parser-pool.ts';
import { chunkWindow } from './window.ts';

/** One thread of the parser pool: windows in, chunks out, nothing kept in between but the loaded grammars. */

const port = parentPort;
if (port === null) throw new Error('worker.ts runs in a worker thread');

port.on('message', (message: WorkerRequest) => {
  void answer(message).then((reply) => port.postMessage(reply));
});

async function answer({ window, maximumPages }: WorkerRequest): Promise<WorkerReply> {
  try {
    await initRuntime({ maximumPages });
    const grammar = window.language === null ? undefined : languageByName(window.language);
    const useParser = grammar?.wasm !== undefined && !window.lexical;
    let loaded = null;
    let missing = false;
    if (useParser) {
      try {
        loaded = await loadGrammar(grammar);
      } catch {
        missing = true;
      }
    }
    const result = chunkWindow(window, loaded);
    return {
      type: 'done',
      result: missing ? { ...result, lexicalReason: 'grammar-missing' } : result,
      heapBytes: runtimeHeapBytes(),
    };
  } catch (error) {
    return {
      type: 'trap',
      message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    };
  }
}

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
    let missing = false;
    const result = await chunkWindow(window, async (language) => {
      const grammar = languageByName(language);
      if (grammar?.wasm === undefined) return null;
      try {
        return await loadGrammar(grammar);
      } catch {
        missing ||= language === window.language;
        return null;
      }
    });
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

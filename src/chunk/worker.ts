import { parentPort } from 'node:worker_threads';
import { initRuntime, loadGrammar, runtimeHeapBytes } from './grammar-loader.ts';
import { languageByName } from './languages.ts';
import type { WorkerReply, WorkerRequest } from './parser-thread.ts';
import { chunkWindow, type WindowVersion } from './window.ts';

/**
 * A thread that parses: windows in, chunks out. Nothing is kept in between but the loaded grammars and, of a document that
 * is being edited, the last few windows.
 */

/** A tree takes up to some 50 bytes a byte of its window. */
const MAX_VERSIONS = 4;
const versions = new Map<number, WindowVersion>();

const port = parentPort;
if (port === null) throw new Error('worker.ts runs in a worker thread');

port.on('message', (message: WorkerRequest) => {
  void answer(message).then((reply) => port.postMessage(reply));
});

async function answer({ window, version: key, maximumPages }: WorkerRequest): Promise<WorkerReply> {
  try {
    await initRuntime({ maximumPages });
    let missing = false;
    const earlier = key === null ? undefined : versions.get(key);
    if (key !== null) versions.delete(key);
    const grammars = async (language: string) => {
      const grammar = languageByName(language);
      if (grammar?.wasm === undefined) return null;
      try {
        return await loadGrammar(grammar);
      } catch {
        missing ||= language === window.language;
        return null;
      }
    };
    const { version, ...result } = await chunkWindow(window, grammars, earlier ?? null);
    if (key === null) version.tree?.[Symbol.dispose]();
    else keep(key, version);
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

function keep(key: number, version: WindowVersion): void {
  versions.set(key, version);
  const oldest = versions.size > MAX_VERSIONS ? versions.keys().next().value : undefined;
  if (oldest === undefined) return;
  versions.get(oldest)?.tree?.[Symbol.dispose]();
  versions.delete(oldest);
}

import { parentPort } from 'node:worker_threads';
import { initRuntime, loadGrammar, runtimeHeapBytes } from './grammar-loader.ts';
import { wasmParser } from './parse.ts';
import type { WorkerReply, WorkerRequest } from './parser-thread.ts';
import { serveWindow } from './serve-window.ts';

/** A thread that parses. */

const port = parentPort;
if (port === null) throw new Error('worker.ts runs in a worker thread');

port.on('message', (message: WorkerRequest) => {
  void answer(message).then((reply) => port.postMessage(reply));
});

async function answer({ maximumPages, ...request }: WorkerRequest): Promise<WorkerReply> {
  await initRuntime({ maximumPages });
  return serveWindow(request, async (grammar) => wasmParser(await loadGrammar(grammar)), runtimeHeapBytes);
}

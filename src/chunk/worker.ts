import { parentPort } from 'node:worker_threads';
import type { Grammar } from '../../grammars/grammar.ts';
import { initRuntime, loadGrammar, usedHeapBytes } from './grammar-loader.ts';
import { wasmParser } from './parse.ts';
import type { CodeReply, CodeRequest, WorkerReply, WorkerRequest } from './parser-thread.ts';
import { serveWindow } from './serve-window.ts';

/** A thread that parses. */

if (parentPort === null) throw new Error('worker.ts runs in a worker thread');
const port = parentPort;

type Code = Exclude<CodeReply['code'], string>;
const asked = new Map<
  CodeReply['grammar'],
  { resolve: (code: Code) => void; reject: (error: Error) => void }
>();

port.on('message', (message: WorkerRequest | CodeReply) => {
  if (message.type === 'window') void answer(message).then((reply) => port.postMessage(reply));
  else take(message);
});

function take({ grammar, code }: CodeReply): void {
  const waiting = asked.get(grammar);
  asked.delete(grammar);
  if (typeof code === 'string') waiting?.reject(new Error(code));
  else waiting?.resolve(code);
}

/** Code comes from the owner, compiled once for all threads; each is asked for once. */
function codeOf(grammar: CodeReply['grammar']): Promise<Code> {
  return new Promise((resolve, reject) => {
    asked.set(grammar, { resolve, reject });
    port.postMessage({ type: 'code', grammar } satisfies CodeRequest);
  });
}

async function answer({ maximumPages, ...request }: WorkerRequest): Promise<WorkerReply> {
  await initRuntime({ maximumPages, compile: () => codeOf(null) });
  const load = async (grammar: Grammar) => wasmParser(await loadGrammar(grammar, ({ name }) => codeOf(name)));
  return serveWindow(request, load, usedHeapBytes);
}

import { openBackend } from './backend.ts';
import { Engine } from './engine.ts';
import { toRecord } from './errors.ts';
import type { CallName, Calls, Reply, Request } from './protocol.ts';

/** Entry point of an embedder process: holds one model and answers one call after the other. */

let engine: Engine | null = null;
let queue: Promise<void> = Promise.resolve();

// Ctrl-C goes to the whole process group; the parent decides what it means.
process.on('SIGINT', () => {});
// The parent is gone: there is nobody to answer.
process.on('disconnect', () => process.exit(0));
process.on('message', (request: Request) => {
  queue = queue.then(() => serve(request));
});

async function serve(request: Request): Promise<void> {
  try {
    const output = await answer(request);
    reply({ id: request.id, rssBytes: process.memoryUsage.rss(), output });
  } catch (error) {
    reply({ id: request.id, rssBytes: process.memoryUsage.rss(), error: toRecord(error) });
  }
}

async function answer(request: Request): Promise<Calls[CallName]['output']> {
  switch (request.call) {
    case 'fetch': {
      const { fetchHubModel } = await import('./hub-model.ts');
      return fetchHubModel(request.input, (event) => reply({ event }));
    }
    case 'load':
      engine = await Engine.load(request.input);
      return engine.model;
    case 'embed':
      if (!engine) throw new Error('no model is loaded');
      return engine.embed(request.input);
    case 'stats':
      return { liveTensors: engine?.liveTensors ?? 0 };
    case 'probe':
      return { runtime: (await openBackend(request.input)).runtime };
    case 'close':
      await engine?.dispose();
      engine = null;
      return null;
  }
}

function reply(message: Reply): void {
  // A parent that went away while this was computed is noticed by 'disconnect'.
  process.send?.(message, undefined, {}, () => {});
}

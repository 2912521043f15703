import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Starts a thread at what `entryPoint` gave. The loader that runs TypeScript has to be registered in each thread anew. */
export function startThread(entry: URL, options: WorkerOptions): Worker {
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, options);
  const program = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
    register();
    return import(${JSON.stringify(entry.href)});
  });`;
  return new Worker(program, { ...options, eval: true });
}

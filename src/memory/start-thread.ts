import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread at what `entryPoint` gave. What the program was started with, say a loader or an agent by `--import`, is
 * not run in it: that would take memory in each. The loader that runs TypeScript has to be registered in each anew.
 */
export function startThread(entry: URL, options: WorkerOptions): Worker {
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, { execArgv: [], ...options });
  const program = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
    register();
    return import(${JSON.stringify(entry.href)});
  });`;
  return new Worker(program, { execArgv: [], ...options, eval: true });
}

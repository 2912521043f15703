/** Loaded before a program: says on stdout in which thread WebAssembly is compiled, each time. */
import { writeSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

function tell() {
  // What loads modules compiles a reader of them in each thread, sooner or later than this.
  if (!/cjs-module-lexer|tsx\/dist/.test(new Error().stack ?? '')) writeSync(1, `${threadId}\n`);
}

const telling = (target) =>
  new Proxy(target, {
    apply: (...call) => {
      tell();
      return Reflect.apply(...call);
    },
    construct: (...call) => {
      tell();
      return Reflect.construct(...call);
    },
  });
WebAssembly.compile = telling(WebAssembly.compile);
WebAssembly.Module = telling(WebAssembly.Module);

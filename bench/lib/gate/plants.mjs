/**
 * Ten leaks, each put into a process of tidemark on purpose: what a forgotten line would do. The probe has counted the
 * libraries' calls before these take them away.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { lance, onFirstTable } from './after.mjs';

const require = createRequire(import.meta.url);
const kept = [];

/** By what leaks: puts it into the process it belongs to. */
export const plants = {
  async tree({ isMainThread }) {
    if (isMainThread) return;
    const { Tree } = await import('web-tree-sitter');
    Tree.prototype.delete = () => {};
  },

  async tensor({ script }) {
    if (!isEmbedder(script)) return;
    const { Tensor } = await import('onnxruntime-node');
    Tensor.prototype.dispose = () => {};
  },

  async session({ script }) {
    if (!isEmbedder(script)) return;
    const { InferenceSession } = await import('onnxruntime-node');
    const { create } = InferenceSession;
    // Beside each session one more, which nobody releases.
    InferenceSession.create = async (...args) => {
      kept.push(await create(...args));
      return create(...args);
    };
  },

  reader({ script }) {
    if (!isParent(script)) return;
    // A second stream over each query, of which the first batch is taken and no more.
    const { QueryBase } = lance();
    const iterate = QueryBase.prototype[Symbol.asyncIterator];
    QueryBase.prototype[Symbol.asyncIterator] = function () {
      const forgotten = iterate.call(this);
      kept.push(forgotten);
      forgotten.next().catch(() => {});
      return iterate.call(this);
    };
  },

  listener({ script }) {
    if (!isParent(script)) return;
    EventTarget.prototype.removeEventListener = () => {};
    const { throwIfAborted } = AbortSignal.prototype;
    AbortSignal.prototype.throwIfAborted = function () {
      this.addEventListener('abort', () => kept.length);
      return throwIfAborted.call(this);
    };
  },

  map({ script }) {
    if (!isParent(script)) return;
    const seen = new Map();
    const threads = require('node:worker_threads');
    const { Worker } = threads;
    threads.Worker = class extends Worker {
      on(name, listener) {
        if (name !== 'message') return super.on(name, listener);
        return super.on(name, (reply) => {
          seen.set(seen.size, reply);
          listener(reply);
        });
      }
    };
    syncBuiltinESMExports();
  },

  query({ script }) {
    if (!isParent(script)) return;
    // After each commit all that the table holds is loaded.
    onFirstTable((table) => {
      const native = Object.getPrototypeOf(table.inner);
      const { add } = native;
      native.add = async function (...args) {
        const result = await add.apply(this, args);
        const whole = Object.create(Object.getPrototypeOf(table), { inner: { value: this } });
        await whole.query().toArray();
        return result;
      };
    });
  },

  async batch({ script }) {
    if (!isParent(script)) return;
    const { ChunkWriter } = await import('../../../dist/src/store/chunk-writer.js');
    const { append } = ChunkWriter.prototype;
    ChunkWriter.prototype.append = function (row) {
      this.flushBytes = Number.POSITIVE_INFINITY;
      return append.call(this, row);
    };
  },

  async worker({ script }) {
    if (!isParent(script)) return;
    const threads = require('node:worker_threads');
    threads.Worker.prototype.terminate = async () => 0;
  },

  async lease({ script }) {
    if (!isParent(script)) return;
    const { MemoryBudget } = await import('../../../dist/src/memory/budget.js');
    const { take } = MemoryBudget.prototype;
    let leases = 0;
    MemoryBudget.prototype.take = async function (...args) {
      const lease = await take.apply(this, args);
      return ++leases % 100 === 0 ? { ...lease, release: () => {}, [Symbol.dispose]: () => {} } : lease;
    };
  },
};

function isEmbedder(script) {
  return /embed[\\/]child\.js$/.test(script);
}

/** The process that does the indexing, and not the one that only starts it. */
function isParent(script) {
  return /cli[\\/]main\.js$/.test(script) && process.env.TIDEMARK_RELAY_PID !== undefined;
}

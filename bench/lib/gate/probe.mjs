/**
 * Counts what a process of tidemark holds, from within, by the libraries' own classes: loaded in front of it with
 * `node --import`. What is alive, and the most of it, is written to the folder $TIDEMARK_PROBE
 * every 100 ms and at the end.
 */
import { appendFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import { after, lance, onFirstTable } from './after.mjs';

const require = createRequire(import.meta.url);
process.env.ORT_DISABLE_TELEMETRY ??= '1';
const folder = process.env.TIDEMARK_PROBE;
const script = process.argv[1] ?? '';
/** Alive now, by kind; how many sessions there were; and the most rows of a query and bytes of a commit. */
const counts = {
  tree: 0,
  tensor: 0,
  session: 0,
  sessions: 0,
  reader: 0,
  listener: 0,
  worker: 0,
  rows: 0,
  batchBytes: 0,
};
const most = (key, value) => {
  counts[key] = Math.max(counts[key], value);
};

if (folder !== undefined) {
  if (!isMainThread) await probeParser();
  else if (/embed[\\/]child\.js$/.test(script)) await probeModels();
  else if (/cli[\\/]main\.js$/.test(script) && process.env.TIDEMARK_RELAY_PID !== undefined) probeStore();
  if (isMainThread) probeThreads();
  probeListeners();
  if (process.env.TIDEMARK_PLANT !== undefined) {
    const { plants } = await import('./plants.mjs');
    await plants[process.env.TIDEMARK_PLANT]({ isMainThread, script });
  }
  const kind = !isMainThread ? 'thread' : /embed[\\/]child\.js$/.test(script) ? 'embedder' : 'parent';
  const file = join(folder, `${kind}-${process.pid}-${threadId}.jsonl`);
  const write = () => {
    const { heapUsed } = process.memoryUsage();
    appendFileSync(file, `${JSON.stringify({ at: Date.now(), ...counts, heapUsed })}\n`);
  };
  setInterval(write, 100).unref();
  process.on('exit', write);
}

async function probeParser() {
  const { Parser, Tree } = await import('web-tree-sitter');
  after(Parser.prototype, 'parse', (tree) => {
    if (tree !== null) counts.tree++;
  });
  after(Tree.prototype, 'copy', () => counts.tree++);
  after(Tree.prototype, 'delete', () => counts.tree--);
}

async function probeModels() {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const alive = new WeakSet();
  const seen = (tensors) => {
    for (const tensor of Object.values(tensors)) {
      if (alive.has(tensor)) continue;
      alive.add(tensor);
      counts.tensor++;
    }
  };
  after(Tensor.prototype, 'dispose', function () {
    if (alive.delete(this)) counts.tensor--;
  });
  const { create } = InferenceSession;
  let patched = false;
  InferenceSession.create = async (...args) => {
    const session = await create.apply(InferenceSession, args);
    counts.session++;
    counts.sessions++;
    if (!patched) {
      patched = true;
      const prototype = Object.getPrototypeOf(session);
      after(prototype, 'run', (results, [feeds]) => {
        seen(feeds);
        seen(results);
      });
      after(prototype, 'release', () => counts.session--);
    }
    return session;
  };
}

function probeStore() {
  const { QueryBase } = lance();
  const iterate = QueryBase.prototype[Symbol.asyncIterator];
  QueryBase.prototype[Symbol.asyncIterator] = function () {
    const stream = iterate.call(this);
    const next = stream.next.bind(stream);
    let open = false;
    const ended = () => {
      if (open) counts.reader--;
      open = false;
    };
    stream.next = async () => {
      if (!open) counts.reader++;
      open = true;
      try {
        const step = await next();
        if (step.done) ended();
        return step;
      } catch (error) {
        ended();
        throw error;
      }
    };
    return stream;
  };
  after(QueryBase.prototype, 'toArrow', (table) => most('rows', table.numRows));
  onFirstTable(({ inner }) =>
    after(Object.getPrototypeOf(inner), 'add', (_, [ipcFile]) => most('batchBytes', ipcFile.byteLength)),
  );
}

function probeThreads() {
  const threads = require('node:worker_threads');
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(...args) {
      super(...args);
      counts.worker++;
      this.once('exit', () => counts.worker--);
    }
  };
  syncBuiltinESMExports();
}

/** Those on signals, which are what outlives the work that listens. */
function probeListeners() {
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (...args) {
    if (this instanceof AbortSignal) counts.listener++;
    return addEventListener.apply(this, args);
  };
  EventTarget.prototype.removeEventListener = function (...args) {
    if (this instanceof AbortSignal) counts.listener--;
    return removeEventListener.apply(this, args);
  };
}

/**
 * One way to embed a list of texts, in a process of its own: `embed-runs.ts` compiles this file and starts it. Writes the
 * vectors to a file and prints one JSON line, the outcome.
 */
import { readFile, writeFile } from 'node:fs/promises';

export interface EmbedJob {
  /** tidemark's embedder, or the pipeline of transformers.js with so many texts a call. */
  readonly runtime: 'tidemark' | { readonly pipelineBatch: number };
  readonly device: 'cpu' | 'wasm' | 'webgpu';
  readonly dtype: 'q8' | 'fp32';
  /** A JSON array of strings. */
  readonly texts: string;
  /** Rows of 32-bit floats. */
  readonly vectors: string;
  /** tidemark's model cache, and where in it the models lie. */
  readonly cache: string;
  readonly models: string;
  readonly model: string;
  /** The URL of tidemark's embedder. */
  readonly embedder: string;
  /** So many single texts are timed one by one, as queries are. */
  readonly queries: number;
}

export interface EmbedOutcome {
  readonly texts: number;
  readonly loadSeconds: number;
  readonly seconds: number;
  /** Of single texts, in milliseconds, in ascending order. */
  readonly latencies: readonly number[];
  readonly failed: number;
  /** Of the program that asks for vectors alone; with tidemark the model is in a process below it. */
  readonly ownPeakBytes: number;
}

interface Runtime {
  /** Texts in, rows of vectors out. */
  embed(texts: readonly string[]): Promise<Float32Array>;
  /** Texts that go in together. */
  readonly batch: number;
  readonly close: () => Promise<void>;
  failed: number;
}

/** As the index does it: slices of what is in flight. */
const SLICE = 256;

async function tidemark({ embedder: url, cache, device, dtype }: EmbedJob): Promise<Runtime> {
  const { Embedder } = (await import(url)) as typeof import('../../src/embed/embedder.ts');
  const embedder = new Embedder({ cacheDir: cache, device, dtype });
  await embedder.start();
  const runtime: Runtime = {
    batch: SLICE,
    failed: 0,
    async embed(texts) {
      const { vectors, failed } = await embedder.embed(texts);
      runtime.failed += failed.length;
      return vectors;
    },
    close: () => embedder.dispose(),
  };
  return runtime;
}

async function pipeline({ runtime, models, model, dtype }: EmbedJob): Promise<Runtime> {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const { env, pipeline } = await import('@huggingface/transformers');
  env.allowRemoteModels = false;
  env.localModelPath = models;
  const extractor = await pipeline('feature-extraction', model, { dtype, device: 'cpu' });
  return {
    batch: (runtime as { pipelineBatch: number }).pipelineBatch,
    failed: 0,
    // As its documentation shows; nobody disposes the tensors that it makes within.
    async embed(texts) {
      const output = await extractor([...texts], { pooling: 'mean', normalize: true });
      const rows = output.data as Float32Array;
      output.dispose();
      return rows;
    },
    close: () => extractor.dispose(),
  };
}

async function main(job: EmbedJob): Promise<EmbedOutcome> {
  const texts = JSON.parse(await readFile(job.texts, 'utf8')) as string[];
  const loading = performance.now();
  const runtime = await (job.runtime === 'tidemark' ? tidemark(job) : pipeline(job));
  await runtime.embed(texts.slice(0, 8));
  const started = performance.now();
  const rows: Float32Array[] = [];
  for (let i = 0; i < texts.length; i += runtime.batch) {
    rows.push((await runtime.embed(texts.slice(i, i + runtime.batch))).slice());
  }
  const seconds = (performance.now() - started) / 1000;
  const latencies: number[] = [];
  for (let i = 0; i < job.queries; i++) {
    const before = performance.now();
    await runtime.embed([texts[i % texts.length]!.slice(0, 80)]);
    latencies.push(performance.now() - before);
  }
  await runtime.close();
  await writeFile(
    job.vectors,
    Buffer.concat(rows.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength))),
  );
  return {
    texts: texts.length,
    loadSeconds: (started - loading) / 1000,
    seconds,
    latencies: latencies.sort((a, b) => a - b),
    failed: runtime.failed,
    ownPeakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

const input = process.argv[2];
if (input !== undefined) {
  const outcome = await main(JSON.parse(await readFile(input, 'utf8')) as EmbedJob);
  process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
}

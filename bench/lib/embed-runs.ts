import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLED_MODEL_ID } from '../../src/embed/bundled-model.ts';
import { Embedder } from '../../src/embed/embedder.ts';
import { modelDirectory } from '../../src/embed/model-cache.ts';
import { chunkFile } from '../../src/index.ts';
import { compileChild } from './child-script.ts';
import { chunkCorpus } from './chunk-corpus.ts';
import { CORPORA } from './corpora.ts';
import { endedChildrenCpuSeconds } from './cpu.ts';
import type { EmbedJob, EmbedOutcome } from './embed-contender.ts';
import { OutsideSampler } from './sampler.ts';
import { readVectors } from './vector-file.ts';

const DIR = join(CORPORA, 'embed');
/** Read of a file, where more files are wanted than chunks. */
const MAX_CHUNKS = 64;

/** A contender, and how many of the texts it gets: every so many-th where it would take hours. */
export interface Contender extends Pick<EmbedJob, 'runtime' | 'device' | 'dtype'> {
  readonly name: string;
  readonly texts: number;
}

export interface EmbedRun extends Omit<EmbedOutcome, 'latencies'> {
  readonly name: string;
  /** Over the whole life of the process and those that it started, the load of the model included. */
  readonly cpuSeconds: number;
  readonly textsPerCpuSecond: number;
  readonly textsPerSecond: number;
  /** Of all its processes together. */
  readonly peakBytes: number;
  /** Milliseconds for a query of 80 characters. */
  readonly latencyP50: number;
  readonly latencyP95: number;
}

/** Real chunks, as many of each language; the same every time. */
export async function realChunks(count: number): Promise<string[]> {
  const corpora = chunkCorpus(() => true);
  const texts: string[] = [];
  for (const [i, { files, language }] of corpora.entries()) {
    const share = Math.floor((count * (i + 1)) / corpora.length) - texts.length;
    const all = await chunksOf(files, { language, enough: 4 * share });
    texts.push(...everyNth(all, share));
  }
  return texts;
}

/** All chunks of the files; where a few are enough, a few of each, until there are so many. */
export async function chunksOf(
  files: readonly string[],
  {
    language,
    enough = Number.POSITIVE_INFINITY,
  }: { readonly language?: string; readonly enough?: number } = {},
): Promise<string[]> {
  const texts: string[] = [];
  const every = enough === Number.POSITIVE_INFINITY ? 1 : 16;
  for (const path of files) {
    let seen = 0;
    for await (const { text } of chunkFile(path, language === undefined ? {} : { language })) {
      if (seen++ % every === 0) texts.push(text);
      if (every > 1 && seen > MAX_CHUNKS) break;
    }
    if (texts.length >= enough) break;
  }
  return texts;
}

/** So that no contender pays for the conversion. */
export async function prepareModels(cache: string): Promise<void> {
  for (const dtype of ['q8', 'fp32'] as const) {
    await using embedder = new Embedder({ cacheDir: cache, dtype, device: 'cpu' });
    await embedder.start();
  }
}

/** `count` of them, evenly over the whole. */
export function everyNth<Value>(values: readonly Value[], count: number): Value[] {
  return Array.from(
    { length: Math.min(count, values.length) },
    (_, i) => values[Math.floor((i * values.length) / count)]!,
  );
}

export class EmbedBench {
  readonly #script: string;
  readonly #cache: string;

  /** @param cache tidemark's model cache, with the models in it */
  constructor(cache: string) {
    mkdirSync(DIR, { recursive: true });
    writeFileSync(join(DIR, 'package.json'), '{ "type": "module" }\n');
    this.#script = compileChild('embed-contender', DIR);
    this.#cache = cache;
  }

  async run(
    contender: Contender,
    texts: readonly string[],
    queries: number,
  ): Promise<{ run: EmbedRun; rows: Float32Array[] }> {
    const { name, runtime, device, dtype } = contender;
    const job: EmbedJob = {
      runtime,
      device,
      dtype,
      texts: join(DIR, 'texts.json'),
      vectors: join(DIR, 'vectors.bin'),
      cache: this.#cache,
      models: modelDirectory(this.#cache, ''),
      model: BUNDLED_MODEL_ID,
      embedder: new URL('../../dist/src/embed/embedder.js', import.meta.url).href,
      queries,
    };
    writeFileSync(job.texts, JSON.stringify(texts));
    writeFileSync(join(DIR, 'job.json'), JSON.stringify(job));
    const cpuBefore = endedChildrenCpuSeconds();
    const child = spawn(process.execPath, [this.#script, join(DIR, 'job.json')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const sampler = new OutsideSampler(child.pid!, 20);
    let out = '';
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    sampler.stop();
    if (code !== 0) throw new Error(`${name} ended with ${code}`);
    const { latencies, ...outcome } = JSON.parse(out) as EmbedOutcome;
    const cpuSeconds = endedChildrenCpuSeconds() - cpuBefore;
    const quantile = (q: number) => latencies[Math.floor(latencies.length * q)] ?? Number.NaN;
    const run = {
      name,
      ...outcome,
      cpuSeconds,
      textsPerCpuSecond: outcome.texts / cpuSeconds,
      textsPerSecond: outcome.texts / outcome.seconds,
      peakBytes: sampler.peakBytes,
      latencyP50: quantile(0.5),
      latencyP95: quantile(0.95),
    };
    return { run, rows: readVectors(job.vectors) };
  }
}

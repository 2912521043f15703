import { setTimeout as wait } from 'node:timers/promises';
import type { IndexedChunk } from '../../src/chunk/chunk.ts';
import { type ChunkReport, type chunkSource, WINDOW_BYTES } from '../../src/chunk/chunk-source.ts';
import { detectLanguage } from '../../src/chunk/languages.ts';
import type { ParserPool } from '../../src/chunk/parser-pool.ts';
import { iterableSource } from '../../src/read/byte-source.ts';
import { BrokenInvariant, checkChunks, type Invariant } from './chunk-invariants.ts';
import { randomCuts, seeded } from './chunking.ts';
import { type FuzzCase, USUAL_TOKENS } from './fuzz-case.ts';

/** The chunker under test: from the sources, or as built. */
export interface Chunker {
  readonly chunkSource: typeof chunkSource;
  readonly ParserPool: typeof ParserPool;
}

export interface Outcome {
  readonly language: string | null;
  readonly report: ChunkReport | null;
  readonly chunks: number;
  readonly largestBytes: number;
  readonly seconds: number;
  readonly broken: BrokenInvariant | null;
}

export interface FuzzRunnerOptions {
  readonly chunker: Chunker;
  /** An ordinary file of a language, to be read after a hostile one. */
  readonly ordinary: (language: string | null) => { readonly path: string; readonly bytes: Buffer };
}

/** In CPU time: some ten times what the slowest parser takes for a megabyte, and what a small input may take at most. */
export const allowedSeconds = (bytes: number): number => 5 + bytes / 40_000;
const SMALL_WINDOW = 128 * 1024;
/** On the clock: the machine may have other work. */
const HANGS_AFTER = 30;

interface Chunked {
  readonly chunks: IndexedChunk[];
  readonly report: ChunkReport;
}

/**
 * Shows inputs to the chunker and checks what comes out. Each is shown twice at the same time, to two pools of one thread
 * each: as one buffer, and cut into many. After it an ordinary file goes through both. The caller disposes it.
 */
export class FuzzRunner implements AsyncDisposable {
  readonly #options: FuzzRunnerOptions;
  #pools: [ParserPool, ParserPool];
  /** What a fresh thread makes of the ordinary file, by its name. */
  readonly #expected = new Map<string, string>();

  constructor(options: FuzzRunnerOptions) {
    this.#options = options;
    this.#pools = this.#freshPools();
  }

  /** Never rejects: what goes wrong is in the outcome. */
  async run(input: FuzzCase): Promise<Outcome> {
    const outcome = {
      language: null as string | null,
      report: null as ChunkReport | null,
      chunks: 0,
      largestBytes: 0,
      seconds: 0,
      broken: null as BrokenInvariant | null,
    };
    try {
      // The parser is loaded before the time counts.
      await this.#checkNext(detectLanguage(input.path, input.bytes)?.name ?? null);
      const started = cpuSeconds();
      const { chunks, report } = await this.#show(input);
      outcome.seconds = (cpuSeconds() - started) / 2;
      outcome.language = report.language;
      outcome.report = report;
      outcome.chunks = chunks.length;
      outcome.largestBytes = chunks.reduce((most, c) => Math.max(most, c.endByte - c.startByte), 0);
      checkChunks(input.bytes, chunks, input.maxTokens);
      await this.#checkNext(report.language);
      await this.#checkSpeed(input, outcome);
    } catch (error) {
      outcome.broken =
        error instanceof BrokenInvariant
          ? error
          : new BrokenInvariant('throws', String(error), { cause: error });
    }
    return outcome;
  }

  /** Whether it breaks this invariant; of speed, no more is done than to measure it once. */
  async breaks(input: FuzzCase, invariant: Invariant): Promise<boolean> {
    if (invariant !== 'slow') return (await this.run(input)).broken?.invariant === invariant;
    await this.#checkNext(detectLanguage(input.path, input.bytes)?.name ?? null);
    return (await this.#cpuSeconds(input)) > allowedSeconds(input.bytes.length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool[Symbol.asyncDispose]()));
  }

  #freshPools(): [ParserPool, ParserPool] {
    const { ParserPool } = this.#options.chunker;
    return [new ParserPool({ workers: 1 }), new ParserPool({ workers: 1 })];
  }

  async #show(input: FuzzCase): Promise<Chunked> {
    const stop = new AbortController();
    const limit = HANGS_AFTER * allowedSeconds(input.bytes.length);
    const hangs = wait(limit * 1000, undefined, { signal: stop.signal, ref: false }).then(() => {
      const pools = this.#pools;
      this.#pools = this.#freshPools();
      // Not waited for: what they were at rejects, and would be taken for the fault.
      for (const pool of pools) void pool[Symbol.asyncDispose]();
      throw new BrokenInvariant('hangs', `not done after ${limit.toFixed(0)} seconds`);
    });
    const cuts = randomCuts(input.bytes, seeded(input.cuts.seed), input.cuts.largest);
    const both = Promise.all([
      this.#chunk(this.#pools[0], input, [input.bytes]),
      this.#chunk(this.#pools[1], input, cuts),
    ]);
    try {
      const [whole, parts] = await Promise.race([both, hangs]);
      if (!gaveUp(whole, parts)) compare(whole.chunks, parts.chunks);
      return whole;
    } finally {
      stop.abort();
      both.catch(() => undefined);
      hangs.catch(() => undefined);
    }
  }

  async #chunk(
    pool: ParserPool,
    input: Pick<FuzzCase, 'path' | 'windowBytes' | 'maxTokens'>,
    parts: Iterable<Uint8Array>,
  ): Promise<Chunked> {
    const { path, windowBytes, maxTokens } = input;
    const options = { pool, path, windowBytes, maxTokens, indexed: true };
    const batches = this.#options.chunker.chunkSource(iterableSource(parts), options);
    const chunks: IndexedChunk[] = [];
    for (;;) {
      const { done, value } = await batches.next();
      if (done) return { chunks, report: value };
      for (const chunk of value) chunks.push(chunk);
    }
  }

  /** An ordinary file is chunked as by a thread that has seen nothing else. */
  async #checkNext(language: string | null): Promise<void> {
    const { path, bytes } = this.#options.ordinary(language);
    const input = { path, windowBytes: WINDOW_BYTES, maxTokens: USUAL_TOKENS };
    let expected = this.#expected.get(path);
    if (expected === undefined) {
      await using fresh = new this.#options.chunker.ParserPool({ workers: 1 });
      expected = JSON.stringify((await this.#chunk(fresh, input, [bytes])).chunks);
      this.#expected.set(path, expected);
    }
    const after = await Promise.all(this.#pools.map((pool) => this.#chunk(pool, input, [bytes])));
    for (const { chunks } of after) {
      if (JSON.stringify(chunks) !== expected) {
        throw new BrokenInvariant('next file', `${path} is chunked in another way after this input`);
      }
    }
  }

  /** What looks slow is measured once more, alone. */
  async #checkSpeed(input: FuzzCase, outcome: { seconds: number }): Promise<void> {
    const allowed = allowedSeconds(input.bytes.length);
    // Each small window carries the headers of the one before it, and is more work than its size says.
    if (outcome.seconds <= allowed || input.windowBytes < SMALL_WINDOW) return;
    outcome.seconds = Math.min(outcome.seconds, await this.#cpuSeconds(input));
    if (outcome.seconds > allowed) {
      throw new BrokenInvariant(
        'slow',
        `${outcome.seconds.toFixed(1)} seconds, allowed ${allowed.toFixed(1)}`,
      );
    }
  }

  async #cpuSeconds(input: FuzzCase): Promise<number> {
    const started = cpuSeconds();
    await this.#chunk(this.#pools[0], input, [input.bytes]);
    return cpuSeconds() - started;
  }
}

/** Of all threads of this process. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Where a parser is stopped for its time, and not for its steps, is up to the machine. */
function gaveUp(...shown: Chunked[]): boolean {
  return shown.some(({ report }) => report.lexical?.reason === 'parser-budget');
}

function compare(whole: readonly IndexedChunk[], parts: readonly IndexedChunk[]): void {
  for (let i = 0; i < Math.max(whole.length, parts.length); i++) {
    if (JSON.stringify(whole[i]) !== JSON.stringify(parts[i])) {
      throw new BrokenInvariant('cuts', `chunk ${i} of ${whole.length} depends on how the stream is cut`);
    }
  }
}

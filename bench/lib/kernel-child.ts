/**
 * Chunks a whole tree, as many files at a time as there are parsers and one more, and says on stdout what came of it,
 * for another process to check: bench/kernel.ts compiles this file and starts it. Numbers and tabs, a line each:
 *
 *     F number path size          a file is begun
 *     C number start end ...      byte ranges of chunks, a window's in one line
 *     E number bytes language binary lexical-reason lexical-byte    it is done
 *     S path reason               it was not chunked
 *
 * Paths are JSON strings.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IndexedChunk } from '../../src/chunk/chunk.ts';
import type { FileReport } from '../../src/pipeline/file-job.ts';
import type { WalkedFile } from '../../src/walk/walk.ts';

export interface KernelJob {
  /** The URL of tidemark's compiled `src/`. */
  readonly modules: string;
  readonly root: string;
  /** Absolute paths that are no part of the tree. */
  readonly exclude: readonly string[];
  readonly workers: number;
  /** Stop after so many files. */
  readonly limit: number | null;
}

const job = JSON.parse(await readFile(process.argv[2]!, 'utf8')) as KernelJob;
const load = async <T>(path: string) => (await import(new URL(path, job.modules).href)) as T;
const { walk } = await load<typeof import('../../src/walk/walk.ts')>('walk/walk.js');
const { ParserPool } = await load<typeof import('../../src/chunk/parser-pool.ts')>('chunk/parser-pool.js');
const { chunkTreeFile, reasonOf } =
  await load<typeof import('../../src/pipeline/file-job.ts')>('pipeline/file-job.js');

const signal = new AbortController().signal;
const pool = new ParserPool({ workers: job.workers });
let waiting: Promise<unknown> | null = null;

/** Waits while the reader is slow, so that nothing gathers here. */
async function say(...fields: (string | number)[]): Promise<void> {
  if (!process.stdout.write(`${fields.join('\t')}\n`)) waiting ??= once(process.stdout, 'drain');
  if (waiting === null) return;
  await waiting;
  waiting = null;
}

async function chunk(file: WalkedFile, number: number): Promise<void> {
  await say('F', number, JSON.stringify(file.path), file.size);
  const batches: AsyncGenerator<IndexedChunk[], FileReport> = chunkTreeFile(job.root, file, pool, signal);
  try {
    for (;;) {
      const next = await batches.next();
      if (next.done) {
        const { bytes, language, binary, lexical } = next.value;
        const fallback = lexical === null ? ['', ''] : [lexical.reason, lexical.fromByte];
        await say('E', number, bytes, language ?? '', binary ? 1 : 0, ...fallback);
        return;
      }
      await say('C', number, ...next.value.flatMap(({ startByte, endByte }) => [startByte, endByte]));
    }
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    await say('S', JSON.stringify(file.path), reason);
  }
}

const running = new Set<Promise<void>>();
let files = 0;
for await (const entry of walk(job.root, { signal, exclude: job.exclude })) {
  if (entry.type === 'skipped') {
    await say('S', JSON.stringify(entry.path), entry.reason);
    continue;
  }
  if (files === job.limit) break;
  const work: Promise<void> = chunk(entry, files++).finally(() => running.delete(work));
  running.add(work);
  if (running.size > job.workers) await Promise.race(running);
}
await Promise.all(running);
await pool[Symbol.asyncDispose]();

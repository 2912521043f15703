import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ALLOCATOR } from '../../src/cli/process-settings.ts';
import type { IndexEvent } from '../../src/pipeline/events.ts';
import type { Summary } from '../../src/pipeline/summary.ts';
import { openStore } from '../../src/store/open.ts';
import {
  type OpenOptions,
  openIndex,
  type TidemarkIndex,
  type UpdateOptions,
} from '../../src/tidemark-index.ts';
import { COMMAND } from './cli-runs.ts';
import { sharedCache } from './model-dirs.ts';

// The library has no option for it: a user has one cache.
process.env.TIDEMARK_CACHE = sharedCache;

const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url));

/** Copies real sources of up to `maxBytes` out of installed packages: so many of each folder, by their names. */
export function copySources(root: string, from: Record<string, number>, maxBytes = 1e6): void {
  for (const [folder, files] of Object.entries(from)) {
    const names = readdirSync(join(MODULES, folder)).filter(
      (name) =>
        /(?<!\.min)\.(ts|js|md)$/.test(name) && statSync(join(MODULES, folder, name)).size <= maxBytes,
    );
    for (const name of names.sort().slice(0, files)) {
      mkdirSync(join(root, folder), { recursive: true });
      cpSync(join(MODULES, folder, name), join(root, folder, name));
    }
  }
}

/** Runs an update to its end in this process. */
export async function update(
  index: TidemarkIndex,
  options?: UpdateOptions,
): Promise<{ summary: Summary; events: IndexEvent[] }> {
  const events: IndexEvent[] = [];
  for await (const event of index.update(options)) events.push(event);
  const last = events.at(-1);
  if (last?.type !== 'done') throw new Error(`the last event is ${last?.type}`);
  return { summary: last.summary, events };
}

/** Opens, updates and closes. */
export async function indexOnce(
  dir: string,
  options: OpenOptions & UpdateOptions = {},
): Promise<{ summary: Summary; events: IndexEvent[] }> {
  await using index = await openIndex(dir, options);
  return update(index, options);
}

/**
 * Starts `tidemark index` in a process group of its own. It is one process and its embedder: with the allocator's
 * variable set, main.ts starts no other.
 */
export function startIndexing(
  dir: string,
  args: readonly string[] = [],
  options: { quiet?: boolean } = {},
): ChildProcess {
  const [node = '', ...program] = COMMAND;
  return spawn(node, [...program, 'index', dir, '--json', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', options.quiet ? 'ignore' : 'inherit'],
    env: { ...process.env, ...ALLOCATOR },
  });
}

/** The summary that the process prints; rejects where it does not end well. */
export async function finished(child: ChildProcess): Promise<Summary> {
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const output = await text(child.stdout!);
  const code = await exit;
  if (code !== 0) throw new Error(`tidemark index ended with ${code}: ${output}`);
  return JSON.parse(output) as Summary;
}

const EXPORTED = [
  'id',
  'ordinal',
  'path',
  'language',
  'kind',
  'symbol',
  'scope',
  'startLine',
  'endLine',
  'startByte',
  'endByte',
  'text',
  'hash',
  'definitions',
  'terms',
] as const;

/** All that an index holds, in an order that does not depend on how it came about. */
export async function exportIndex(dir: string): Promise<{ files: string[]; chunks: string[] }> {
  await using store = await openStore(join(dir, '.tidemark'), { create: false, mode: 'read' });
  const files: string[] = [];
  const chunks: string[] = [];
  for await (const { path, size, hash, language, chunks, state } of store.files())
    files.push([path, size, hash, language, chunks, state].join(' '));
  for await (const rows of store.chunksInOrder(EXPORTED)) {
    const there = await store.existingVectors(rows.map(({ id }) => id));
    const vectors = await store.vectorsByHash(rows.map(({ hash }) => hash));
    for (const row of rows) {
      const digest = createHash('sha256').update(JSON.stringify(EXPORTED.map((key) => row[key])));
      digest.update(vectors.get(row.hash) ?? new Float32Array(0));
      const place = [row.path, String(row.ordinal).padStart(6, '0'), row.startLine, row.endLine];
      chunks.push([...place, row.symbol, row.id, there.has(row.id), digest.digest('hex')].join(' '));
    }
  }
  return { files, chunks: chunks.sort() };
}

/** Processes below this one (or below `root`) that a test may have left. */
export function childPids(root: number = process.pid): number[] {
  const list = readFileSync(`/proc/${root}/task/${root}/children`, 'latin1').trim();
  return list === '' ? [] : list.split(' ').map(Number);
}

/** Those of the children that embed. */
export function embedderPids(root: number = process.pid): number[] {
  return childPids(root).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(join('embed', 'child.'));
    } catch {
      return false;
    }
  });
}

/** Waits until `condition` holds: the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

export function write(root: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

import { chunkRuns, isNamed } from './chunk-runs.ts';
import type { ChunkTable, HitOptions, LexicalHit, LexicalQuery } from './chunk-table.ts';
import type { FileTable } from './file-table.ts';
import type { Filter } from './filter.ts';
import type { ChunkHit, FileRow } from './schema.ts';
import type { NearestOptions, VectorTable } from './vector-table.ts';

const MAX_LIMIT = 1000;
const MAX_FETCH = 8000;
/** Asks for so much more than needed, as a part may turn out stale; on a shortfall for four times as many. */
const EXTRA = { share: 0.1, least: 10 };
const GROWTH = 4;

/** A chunk that is committed, and what its file says of it. */
export type LiveChunk = ChunkHit & Pick<FileRow, 'kind'>;

/** A committed chunk that was found by its words. */
export interface LiveLexicalHit extends LexicalHit {
  row: LiveChunk;
  /** False while the file's vectors are pending. */
  embedded: boolean;
}

export interface SemanticHit {
  row: LiveChunk;
  /** Cosine distance, 0 to 2: lower is better. */
  distance: number;
}

interface SearchTables {
  files: FileTable;
  chunks: ChunkTable;
  vectors: VectorTable;
}

/** Fetches until `limit` hits are live or there are no more. */
async function untilEnough<Hit>(
  limit: number,
  fetch: (k: number) => Promise<{ live: Hit[]; fetched: number }>,
): Promise<Hit[]> {
  const wanted = Math.min(limit, MAX_LIMIT);
  const extra = Math.max(EXTRA.least, Math.ceil(wanted * EXTRA.share));
  for (let k = wanted + extra; ; k *= GROWTH) {
    const { live, fetched } = await fetch(k);
    if (live.length >= wanted || fetched < k || k >= MAX_FETCH) return live.slice(0, wanted);
  }
}

/** Equal scores are common among short chunks: their order must not depend on when a row was written. */
export function byPlace(a: { readonly row: ChunkHit }, b: { readonly row: ChunkHit }): number {
  if (a.row.path !== b.row.path) return a.row.path < b.row.path ? -1 : 1;
  return a.row.ordinal - b.row.ordinal;
}

/** The hits that the committed version of their file names, and whether that file is embedded. */
async function onlyLive<Hit extends { row: ChunkHit }>(
  files: FileTable,
  hits: Hit[],
): Promise<(Hit & { row: LiveChunk; embedded: boolean })[]> {
  const newest = await files.newestByPath(hits.map((hit) => hit.row.path));
  const named = new Map(Array.from(newest, ([path, version]) => [path, chunkRuns(version)]));
  const live: (Hit & { row: LiveChunk; embedded: boolean })[] = [];
  for (const hit of hits) {
    if (!isNamed(named.get(hit.row.path) ?? [], hit.row)) continue;
    const { kind, state } = newest.get(hit.row.path)!;
    // Each search has rows of its own, and copies of hundreds of them would take a good part of its time.
    const row = Object.assign(hit.row, { kind });
    live.push(Object.assign(hit, { row, embedded: state === 'embedded' }));
  }
  return live;
}

/** The best `limit` committed chunks (at most 1,000) that hold any of the query's terms, best first. */
export async function searchLexical(
  { files, chunks }: SearchTables,
  query: LexicalQuery,
  filter: Filter,
  limit: number,
  options: HitOptions = {},
): Promise<LiveLexicalHit[]> {
  return untilEnough(limit, async (k) => {
    const hits = await chunks.searchLexical(query, filter, k, options);
    const live = await onlyLive(files, hits);
    return { live: live.sort((a, b) => b.score - a.score || byPlace(a, b)), fetched: hits.length };
  });
}

/** The `limit` committed chunks (at most 1,000) nearest to `vector`, nearest first. */
export async function searchSemantic(
  { files, chunks, vectors }: SearchTables,
  vector: Float32Array,
  filter: Filter,
  limit: number,
  options: NearestOptions & HitOptions = {},
): Promise<SemanticHit[]> {
  return untilEnough(limit, async (k) => {
    const { neighbours, fetched } = await vectors.nearest(vector, filter, k, options);
    const distances = new Map(neighbours.map(({ id, distance }) => [id, distance]));
    const rows = await chunks.hitsById([...distances.keys()], options);
    const hits = rows.map(({ id, row }) => ({ row, distance: distances.get(id)! }));
    const live = await onlyLive(files, hits);
    return { live: live.sort((a, b) => a.distance - b.distance || byPlace(a, b)), fetched };
  });
}

import { definedNames, nameTerms } from '../chunk/index-terms.ts';
import { searchTerms } from '../chunk/terms.ts';
import { TidemarkError } from '../errors.ts';
import type { ChunkRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Question } from './question.ts';

const KEYS = ['seq', 'ordinal', 'startLine', 'endLine', 'symbol', 'definitions', 'hash', 'text'] as const;
export type PlacedChunk = Pick<ChunkRow, (typeof KEYS)[number]>;

/** Of a chunk's words those that tell most: more of them make a search slow and no better. */
const MAX_WORDS = 24;

/**
 * The chunk at a place of an indexed file. Memory: one batch of its chunks.
 * @throws TidemarkError `ERR_TIDEMARK_NO_CHUNK`
 */
export async function chunkAt(store: Store, path: string, line: number): Promise<PlacedChunk> {
  const version = (await store.newestByPath([path])).get(path);
  let found: PlacedChunk | null = null;
  if (version !== undefined && version.chunks > 0) {
    for await (const rows of store.chunksOfFiles([version], KEYS)) {
      for (const row of rows)
        if (row.startLine <= line && line <= row.endLine && (found === null || row.ordinal < found.ordinal))
          found = row;
    }
  }
  if (found !== null) return found;
  const what =
    version === undefined ? `${path} is not in the index` : `line ${line} of ${path} is in no chunk`;
  throw new TidemarkError(
    'ERR_TIDEMARK_NO_CHUNK',
    `${what}; name a place as PATH:LINE, with a path that tidemark files lists`,
  );
}

/** What a chunk asks for when its like is looked for: its names, and then the longest of its identifiers. */
export function likeQuestion(chunk: Pick<PlacedChunk, 'text' | 'symbol' | 'definitions'>): Question {
  const own = definedNames(chunk);
  const byLength = [...new Set(searchTerms(chunk.text))].sort((a, b) => b.length - a.length);
  const words = [...new Set([...searchTerms(own), ...byLength])].slice(0, MAX_WORDS);
  const names = new Set(nameTerms(own));
  return { text: '', words, names, symbol: null, path: null, phrases: [] };
}

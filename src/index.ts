export type { Chunk, ChunkKind } from './chunk/chunk.ts';
export { type ChunkOptions, chunkFile, chunkStream } from './chunk/chunk-file.ts';
export {
  type Document,
  type DocumentChange,
  type DocumentChunk,
  type DocumentOptions,
  openDocument,
} from './chunk/document.ts';
export type { ParserKind } from './chunk/parser-pool.ts';
export { TidemarkError } from './errors.ts';
export type { IndexEvent } from './pipeline/events.ts';
export type { Degradation, Summary } from './pipeline/summary.ts';
export type { Damage, Verification } from './pipeline/verify-index.ts';
export type { Hit, SearchMode, SearchOptions, SearchResult } from './search/search.ts';
export {
  type IndexedFile,
  type IndexStatus,
  type OpenOptions,
  openIndex,
  type StoredChunk,
  type TidemarkIndex,
  type UpdateOptions,
} from './tidemark-index.ts';

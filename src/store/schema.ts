import type { DataType, Field, Schema } from 'apache-arrow';
import { loadArrow } from './lance.ts';

/** `code`, `docs` (Markdown and the like), or `text` of an unknown language. */
export type Kind = 'code' | 'docs' | 'text';
export type FileState = 'pending' | 'embedded' | 'skipped';

/** One version of one file; the commit record of its chunks. */
export interface FileRow {
  /** Unique and growing: of two rows with one path, the higher counts. */
  rev: bigint;
  /** Of this version; grows in commit order. What it wrote of its chunks is under this number. */
  seq: bigint;
  /** Relative to the indexed directory, with `/`. */
  path: string;
  /** Bytes. */
  size: number;
  mtimeNs: bigint;
  /** Content hash, hex. */
  hash: string;
  language: string | null;
  kind: Kind;
  /** Number of chunks. */
  chunks: number;
  /**
   * Under which seq each of the chunks lies, in the order of their ordinals: `SEQ:COUNT,SEQ:COUNT`. Null where all are
   * under `seq`. See `chunk-runs.ts`.
   */
  runs: string | null;
  /** `removed`: the file is gone, and its older rows and their chunks are about to go. */
  state: FileState | 'removed';
  /** Why it was skipped, or why it was chunked without its grammar. */
  reason: string | null;
}

/** The row that counts of a file that is there. */
export type LiveFileRow = FileRow & { state: FileState };

export interface ChunkRow {
  /** Deterministic: the same content at the same place has the same id. */
  id: string;
  seq: bigint;
  /** Place in the file, from 0. */
  ordinal: number;
  path: string;
  language: string | null;
  kind: Kind;
  symbol: string | null;
  scope: string | null;
  /** Of the definition that the chunk lies in; only for the embedder. */
  signature: string | null;
  /** Definitions that begin in the chunk, one a line: `KIND NAME`. */
  definitions: string | null;
  /** 1-based, inclusive. */
  startLine: number;
  endLine: number;
  /** Half open byte range in the file. */
  startByte: number;
  endByte: number;
  text: string;
  /** Hash of what gets embedded. */
  hash: string;
  /** Search terms, separated by blanks; see `chunk/index-terms.ts`. */
  terms: string;
}

/** What of a chunk a search ranks by: each column costs time for each of hundreds of candidates. */
export const HIT_KEYS = ['seq', 'ordinal', 'path'] as const satisfies readonly (keyof ChunkRow)[];
/** And what tells whether it defines what is asked for by name. */
export const DEFINITION_KEYS = ['scope', 'definitions'] as const satisfies readonly (keyof ChunkRow)[];
/** What is read of those that are shown. */
export const DETAIL_KEYS = [
  'seq',
  'ordinal',
  'language',
  'symbol',
  'startLine',
  'endLine',
  'text',
] as const satisfies readonly (keyof ChunkRow)[];

/** A chunk as a search finds it. */
export type ChunkHit = Pick<ChunkRow, (typeof HIT_KEYS)[number]> &
  Partial<Pick<ChunkRow, (typeof DEFINITION_KEYS)[number]>> & {
    /** Where the row lay in the table when it was found: the quickest way to it, until the table is merged. */
    readonly rowId?: bigint;
  };
export type ChunkDetails = Pick<ChunkRow, (typeof DETAIL_KEYS)[number]>;

type ColumnType = 'utf8' | 'int32' | 'int64' | 'bigint';

export interface Column {
  /** Name of the column in the table. */
  name: string;
  /** `bigint` and `int64` are stored alike; the first is a bigint in a row, the second a number. */
  type: ColumnType;
  nullable: boolean;
}

declare const ROW: unique symbol;

/** The columns of a table by the keys of its rows; the type remembers the row, so that readers can infer it. */
export type Columns<Row> = Readonly<Record<keyof Row & string, Column>> & { readonly [ROW]?: Row };

const column = (name: string, type: ColumnType, nullable = false): Column => ({ name, type, nullable });

export const FILE_COLUMNS: Columns<FileRow> = {
  rev: column('rev', 'bigint'),
  seq: column('seq', 'bigint'),
  path: column('path', 'utf8'),
  size: column('size', 'int64'),
  mtimeNs: column('mtime_ns', 'bigint'),
  hash: column('hash', 'utf8'),
  language: column('language', 'utf8', true),
  kind: column('kind', 'utf8'),
  chunks: column('chunks', 'int32'),
  runs: column('runs', 'utf8', true),
  state: column('state', 'utf8'),
  reason: column('reason', 'utf8', true),
};

export const CHUNK_COLUMNS: Columns<ChunkRow> = {
  id: column('id', 'utf8'),
  seq: column('seq', 'bigint'),
  ordinal: column('ordinal', 'int32'),
  path: column('path', 'utf8'),
  language: column('language', 'utf8', true),
  kind: column('kind', 'utf8'),
  symbol: column('symbol', 'utf8', true),
  scope: column('scope', 'utf8', true),
  signature: column('signature', 'utf8', true),
  definitions: column('definitions', 'utf8', true),
  startLine: column('start_line', 'int32'),
  endLine: column('end_line', 'int32'),
  startByte: column('start_byte', 'int64'),
  endByte: column('end_byte', 'int64'),
  text: column('text', 'utf8'),
  hash: column('hash', 'utf8'),
  terms: column('terms', 'utf8'),
};

/** The columns of `vectors` beside the vector itself. */
export interface VectorKey {
  /** Chunk id. */
  id: string;
  hash: string;
  path: string;
  language: string | null;
  kind: Kind;
}

export const VECTOR_KEY_COLUMNS: Columns<VectorKey> = {
  id: column('id', 'utf8'),
  hash: column('hash', 'utf8'),
  path: column('path', 'utf8'),
  language: column('language', 'utf8', true),
  kind: column('kind', 'utf8'),
};

function arrowType(type: ColumnType): DataType {
  const { Int32, Int64, Utf8 } = loadArrow();
  if (type === 'utf8') return new Utf8();
  return type === 'int32' ? new Int32() : new Int64();
}

export function arrowFields(columns: Readonly<Record<string, Column>>): Field[] {
  const { Field } = loadArrow();
  return Object.values(columns).map((c) => new Field(c.name, arrowType(c.type), c.nullable));
}

export function arrowSchema(columns: Readonly<Record<string, Column>>): Schema {
  return new (loadArrow().Schema)(arrowFields(columns));
}

/**
 * The `vectors` table: its keys and a fixed_size_list<float16>[dimensions]. Half the disk of float32, and the same
 * neighbours; what is smaller has no index in Lance (`npm run bench:vectors`).
 */
export function vectorSchema(dimensions: number): Schema {
  const { Field, FixedSizeList, Float16, Schema } = loadArrow();
  const vector = new FixedSizeList(dimensions, new Field('item', new Float16(), true));
  return new Schema([...arrowFields(VECTOR_KEY_COLUMNS), new Field('vector', vector, false)]);
}

import type { Pooling, Purpose } from './model-files.ts';

/** What the model card says and the model's files do not, or not in every conversion of it. */
export interface KnownModel {
  readonly prompts?: Partial<Record<Purpose, string>>;
  readonly pooling?: Pooling;
  /** Apart from all of them. */
  readonly matryoshka?: readonly number[];
  readonly center?: boolean;
  /** A repository with ONNX files, where the model's own has none. */
  readonly conversion?: string;
}

const SEARCHED = 'Represent this sentence for searching relevant passages: ';
const INSTRUCTED =
  'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:';
const NOMIC = { query: 'search_query: ', document: 'search_document: ' };

/** By the name of the repository without its owner: conversions keep it. The first that matches counts. */
const KNOWN: readonly (readonly [RegExp, KnownModel])[] = [
  [
    /^coderankembed$/,
    {
      prompts: { query: 'Represent this query for searching relevant code: ' },
      pooling: 'cls',
      conversion: 'jalipalo/CodeRankEmbed-onnx',
    },
  ],
  [/^jina-embeddings-v2-/, { pooling: 'mean' }],
  [
    /^nomic-embed-text-v1\.5$/,
    { prompts: NOMIC, pooling: 'mean', matryoshka: [512, 256, 128, 64], center: true },
  ],
  [/^nomic-embed-text-v1/, { prompts: NOMIC, pooling: 'mean' }],
  [/^(?:nomic-embed-text-v2-moe|modernbert-embed-base)$/, { prompts: NOMIC, matryoshka: [256] }],
  [/^multilingual-e5-large-instruct$/, { prompts: { query: `${INSTRUCTED} ` }, pooling: 'mean' }],
  [
    /^(?:multilingual-)?e5-(?:small|base|large)/,
    { prompts: { query: 'query: ', document: 'passage: ' }, pooling: 'mean' },
  ],
  [/^bge-(?:small|base|large)-en/, { prompts: { query: SEARCHED }, pooling: 'cls' }],
  [
    /^bge-(?:small|base|large)-zh/,
    { prompts: { query: '为这个句子生成表示以用于检索相关文章：' }, pooling: 'cls' },
  ],
  [/^bge-m3$/, { pooling: 'cls' }],
  [/^snowflake-arctic-embed-[ml]-v2/, { prompts: { query: 'query: ' }, pooling: 'cls', matryoshka: [256] }],
  [/^snowflake-arctic-embed-m-v1\.5$/, { prompts: { query: SEARCHED }, pooling: 'cls', matryoshka: [256] }],
  [/^snowflake-arctic-embed-/, { prompts: { query: SEARCHED }, pooling: 'cls' }],
  [
    /^mxbai-embed-large-v1$/,
    { prompts: { query: SEARCHED }, pooling: 'cls', matryoshka: [512, 256, 128, 64] },
  ],
  [/^gte-(?:small|base|large)$/, { pooling: 'mean' }],
  [/^gte-(?:modernbert-base|(?:base|large)-en-v1\.5|multilingual-base)$/, { pooling: 'cls' }],
  [
    /^qwen3-embedding-0\.6b$/,
    {
      prompts: { query: INSTRUCTED },
      pooling: 'last',
      matryoshka: [768, 512, 256, 128, 64, 32],
      conversion: 'onnx-community/Qwen3-Embedding-0.6B-ONNX',
    },
  ],
];

/** @param name of a repository or a directory, with its owner or without */
export function knownModel(name: string): KnownModel {
  const bare = name
    .slice(name.lastIndexOf('/') + 1)
    .toLowerCase()
    .replace(/-onnx.*$/, '');
  return KNOWN.find(([pattern]) => pattern.test(bare))?.[1] ?? {};
}

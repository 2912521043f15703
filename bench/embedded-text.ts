/**
 * What the model is to read of a chunk: NDCG@10 by what stands before its text, on those repositories of the quality
 * benchmark that are small. Takes the indexes that `npm run bench:quality` has made. `BENCH_QUALITY=DIR npm run
 * bench:embedded-text`. Results: bench/results/embedded-text.json.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { embeddingText } from '../src/chunk/embedding-text.ts';
import { Embedder } from '../src/embed/embedder.ts';
import type { SearchMode } from '../src/index.ts';
import { search } from '../src/search/search.ts';
import type { SemanticHit } from '../src/store/live-search.ts';
import { openStore } from '../src/store/open.ts';
import { type ChunkRow, DEFINITION_KEYS, HIT_KEYS } from '../src/store/schema.ts';
import type { Store } from '../src/store/store.ts';
import { environment } from './lib/machine.ts';
import { indexesOf } from './lib/quality-run.ts';
import { definition, judgedRepos } from './lib/quality-set.ts';
import { DEPTH, judge, mean } from './lib/retrieval-metric.ts';
import { table } from './lib/table.ts';

const INDEXES = indexesOf(process.env.BENCH_MEMORY ?? null);
const MOST_CHUNKS = Number(process.env.BENCH_CHUNKS ?? 1000);
const CALL = 256;
const KEYS = [...HIT_KEYS, ...DEFINITION_KEYS, 'kind', 'symbol', 'signature', 'text'] as const;
const MODES = ['semantic', 'hybrid'] as const satisfies readonly SearchMode[];

type Parts = Parameters<typeof embeddingText>[0];
/** A line that is a comment, in most languages. */
const COMMENT = /^\s*(?:\/\/|\/\*|\*|#(?!include|define|if|endif|else)|--|"""|''').*$/;
const VARIANTS: Readonly<Record<string, (chunk: Parts) => string>> = {
  'end of the path, scope, signature, text': embeddingText,
  'without the path': (chunk) => embeddingText({ ...chunk, path: '' }),
  'without the scope': (chunk) => embeddingText({ ...chunk, scope: null }),
  'without the signature': (chunk) => embeddingText({ ...chunk, signature: null }),
  'text alone': ({ text }) => text,
  'all of the path': (chunk) => `${chunk.path}\n${embeddingText({ ...chunk, path: '' })}`,
  'without comments': (chunk) => {
    const lines = chunk.text.split('\n').filter((line) => !COMMENT.test(line));
    return embeddingText({ ...chunk, text: lines.join('\n') || chunk.text });
  },
};

/** A store whose vectors are others than those that it holds. */
function withVectors(
  store: Store,
  rows: readonly SemanticHit['row'][],
  vectors: readonly Float32Array[],
): Store {
  const searchSemantic = async (vector: Float32Array, _filter: unknown, limit: number) =>
    rows
      .map((row, i) => ({ row, distance: 1 - dot(vector, vectors[i]!) }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, limit);
  return new Proxy(store, {
    get(target, key) {
      if (key === 'searchSemantic') return searchSemantic;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

await using embedder = new Embedder({ processes: 2 });
const scores = new Map(
  Object.keys(VARIANTS).map((name) => [
    name,
    { semantic: [], hybrid: [] } as Record<(typeof MODES)[number], number[]>,
  ]),
);
const used: { readonly name: string; readonly chunks: number }[] = [];
for (const repo of judgedRepos(definition())) {
  const at = join(INDEXES, repo.name);
  if (!existsSync(at)) continue;
  await using store = await openStore(at, { create: false, mode: 'read' });
  const { files } = await store.counts();
  if (files.embedded.chunks > MOST_CHUNKS || files.pending.chunks > 0) continue;
  const rows: Pick<ChunkRow, (typeof KEYS)[number]>[] = [];
  for await (const batch of store.chunksInOrder(KEYS)) rows.push(...batch);
  used.push({ name: repo.name, chunks: rows.length });
  const queries = new Map<string, Float32Array>();
  for (const { query } of repo.queries)
    queries.set(query, (await embedder.embed([query], { purpose: 'query' })).vectors);
  const known = new Map<string, Float32Array>();
  for (const [name, read] of Object.entries(VARIANTS)) {
    const texts = rows.map(read);
    const missing = [...new Set(texts.filter((text) => !known.has(text)))];
    for (let i = 0; i < missing.length; i += CALL) {
      const part = missing.slice(i, i + CALL);
      const { vectors } = await embedder.embed(part);
      const size = vectors.length / part.length;
      for (const [k, text] of part.entries()) known.set(text, vectors.slice(k * size, (k + 1) * size));
    }
    const other = withVectors(
      store,
      rows,
      texts.map((text) => known.get(text)!),
    );
    for (const mode of MODES) {
      const ndcg: number[] = [];
      for (const judged of repo.queries) {
        const { hits } = await search(
          other,
          judged.query,
          { mode, limit: DEPTH },
          async (query) => queries.get(query)!,
        );
        ndcg.push(judge(repo, judged, hits).ndcg);
      }
      scores.get(name)![mode].push(mean(ndcg));
    }
  }
  process.stderr.write(`${repo.name}, ${rows.length} chunks\n`);
}
if (used.length === 0)
  throw new Error(`no whole index of a small repository in ${INDEXES}; bench:quality makes them`);
const variants = [...scores].map(([name, by]) => ({
  name,
  semantic: mean(by.semantic),
  hybrid: mean(by.hybrid),
}));
process.stdout.write(
  `${table([
    ['what the model reads', ...MODES],
    ...variants.map(({ name, ...by }) => [name, ...MODES.map((mode) => by[mode].toFixed(3))]),
  ])}\n`,
);
writeFileSync(
  new URL('./results/embedded-text.json', import.meta.url),
  `${JSON.stringify({ environment: environment(), repositories: used, variants, byRepository: Object.fromEntries(scores) }, (_, value) => (typeof value === 'number' ? Number(value.toFixed(4)) : value), 1)}\n`,
);

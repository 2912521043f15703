import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { searchTerms } from '../../src/chunk/terms.ts';
import { Embedder } from '../../src/embed/embedder.ts';
import { CORPORA } from './corpora.ts';
import { realChunks } from './embed-runs.ts';
import type { BaseChunk } from './scale-child.ts';

const COUNT = 5000;
const DIR = join(CORPORA, 'scale');

/** Real chunks with their terms (a JSON array of `BaseChunk`), and a file of their vectors, row by row; made once. */
export async function baseChunks(): Promise<{ readonly base: string; readonly vectors: string }> {
  const base = join(DIR, `base-${COUNT}.json`);
  const vectors = join(DIR, `base-${COUNT}.bin`);
  if (!existsSync(base) || !existsSync(vectors)) {
    mkdirSync(DIR, { recursive: true });
    const texts = await realChunks(COUNT);
    const chunks = texts.map((text): BaseChunk => ({ text, terms: searchTerms(text).join(' ') }));
    await using embedder = new Embedder({ processes: 2 });
    const rows: Float32Array[] = [];
    for (let i = 0; i < texts.length; i += 256) {
      const found = await embedder.embed(texts.slice(i, i + 256));
      if (found.failed.length > 0) throw new Error(found.failed[0]!.reason);
      rows.push(found.vectors);
    }
    writeFileSync(
      vectors,
      Buffer.concat(rows.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength))),
    );
    writeFileSync(base, JSON.stringify(chunks));
  }
  return { base, vectors };
}

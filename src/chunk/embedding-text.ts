import { createHash } from 'node:crypto';

interface EmbeddedChunk {
  readonly path: string;
  readonly symbol: string | null;
  readonly scope: string | null;
  readonly signature: string | null;
  readonly text: string;
}

/**
 * What the model reads for a chunk: a header that tells its place, where its own text does not, and the text. Of the path
 * it has the last two parts: copies of a file, and a directory that moves, embed nothing again.
 */
export function embeddingText({ path, symbol, scope, signature, text }: EmbeddedChunk): string {
  const chain = scope === null ? [] : [scope];
  if (symbol !== null && signature === null && !text.includes(symbol)) chain.push(symbol);
  const lines = [path.split('/').slice(-2).join('/'), chain.join(' > '), signature ?? '', text];
  return lines.filter((line) => line !== '').join('\n');
}

/** 128 bits of SHA-256, in hex: the identity of what is embedded. */
export function contentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

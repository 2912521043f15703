import { createHash } from 'node:crypto';

/**
 * What the model reads for a chunk: its place in the code, where its own text does not say it, then the text. The path
 * is left out on purpose, so that moving a file embeds nothing again.
 */
export function embeddingText(chunk: { symbol: string | null; scope: string | null; text: string }): string {
  const parts = chunk.scope === null ? [] : [chunk.scope];
  if (chunk.symbol !== null && !chunk.text.includes(chunk.symbol)) parts.push(chunk.symbol);
  return parts.length === 0 ? chunk.text : `${parts.join(' > ')}\n${chunk.text}`;
}

/** 128 bits of SHA-256, in hex: the identity of what is embedded. */
export function contentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { IndexedChunk } from '../../src/chunk/chunk.ts';
import { chunkSource } from '../../src/chunk/chunk-source.ts';
import { contentHash, embeddingText } from '../../src/chunk/embedding-text.ts';
import { ParserPool } from '../../src/chunk/parser-pool.ts';
import { iterableSource } from '../../src/read/byte-source.ts';

async function indexed(path: string, text: string, windowBytes?: number): Promise<IndexedChunk[]> {
  await using pool = new ParserPool({ workers: 1 });
  const chunks: IndexedChunk[] = [];
  const size = windowBytes === undefined ? {} : { windowBytes };
  const source = iterableSource([Buffer.from(text)]);
  for await (const batch of chunkSource(source, { pool, path, indexed: true, ...size }))
    chunks.push(...batch);
  return chunks;
}

const statements = (count: number) =>
  Array.from({ length: count }, (_, i) => `    total += weigh(rows[${i}], limits.upper - ${i});\n`).join('');

const CLASS = `export class Ledger extends Book {
  /** Adds up. */
  async balance(
    rows: readonly Row[],
    limits: Limits,
  ): Promise<number> {
    let total = 0;
${statements(200)}    return total;
  }
}
`;

test('what the model reads begins with path, scope chain and signature, and the text stays as it is', async () => {
  const chunks = await indexed('packages/bank/src/books/ledger.ts', CLASS);
  assert.ok(chunks.length > 5);
  const [first, ...rest] = chunks;
  assert.equal(first!.signature, null);
  assert.match(first!.text, /^export class Ledger/);
  for (const chunk of rest) {
    assert.equal(chunk.scope, 'Ledger');
    assert.equal(chunk.symbol, 'balance');
    assert.equal(chunk.signature, 'async balance( rows: readonly Row[], limits: Limits, ): Promise<number>');
    assert.ok(!chunk.text.includes('balance'));
    assert.equal(
      embeddingText({ ...chunk, path: 'packages/bank/src/books/ledger.ts' }),
      `books/ledger.ts\nLedger\n${chunk.signature}\n${chunk.text}`,
    );
  }
});

test('a chunk in a later window has the signature of what began windows before', async () => {
  const text = `def tally(rows, *, limits):\n${statements(3000).replaceAll(';', '')}    return total\n`;
  const whole = await indexed('tally.py', text);
  const windows = await indexed('tally.py', text, 64 * 1024);
  assert.deepEqual(
    windows.map(({ signature }) => signature),
    whole.map(({ signature }) => signature),
  );
  assert.equal(whole[0]!.signature, null);
  assert.ok(whole.slice(1).every(({ signature }) => signature === 'def tally(rows, *, limits)'));
});

test('the hash is of all that is embedded, and of the path only its end', async () => {
  const [ledger] = (await indexed('a/books/ledger.ts', CLASS)).slice(1);
  const [copied] = (await indexed('elsewhere/b/books/ledger.ts', CLASS)).slice(1);
  assert.equal(copied!.hash, ledger!.hash);
  const [renamed] = (await indexed('a/books/journal.ts', CLASS)).slice(1);
  assert.notEqual(renamed!.hash, ledger!.hash);
  const [wider] = (await indexed('a/books/ledger.ts', CLASS.replace('limits: L', 'bounds: L'))).slice(1);
  assert.equal(wider!.text, ledger!.text);
  assert.notEqual(wider!.hash, ledger!.hash);
  assert.equal(contentHash(embeddingText({ ...ledger!, path: 'books/ledger.ts' })), ledger!.hash);
});

test('a heading, a class and a long first line are signatures of what lies in them', async () => {
  const prose = Array.from({ length: 60 }, (_, i) => `Sentence ${i} tells of ledgers at some length.`);
  const docs = await indexed('guide.md', `# Guide\n\n## Balancing the books\n\n${prose.join('\n\n')}\n`);
  assert.deepEqual([docs[1]!.scope, docs[1]!.signature], ['Guide', '## Balancing the books']);
  const methods = Array.from({ length: 40 }, (_, i) => `  row${i}() {\n${statements(20)}  }\n`).join('\n');
  const chunks = await indexed('a.ts', `class ${'Very'.repeat(60)}Long {\n${methods}}\n`);
  const signature = chunks.find((chunk) => chunk.signature?.startsWith('class'))?.signature ?? '';
  assert.ok(signature.length <= 120);
  assert.ok(chunks.some((chunk) => chunk.signature === 'row3()'));
});

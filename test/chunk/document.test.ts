import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { IndexedChunk } from '../../src/chunk/chunk.ts';
import { chunkSource, WINDOW_BYTES } from '../../src/chunk/chunk-source.ts';
import { type DocumentChunk, openDocument } from '../../src/chunk/document.ts';
import { ParserPool } from '../../src/chunk/parser-pool.ts';
import { iterableSource } from '../../src/read/byte-source.ts';
import { assertCovers, seeded } from '../support/chunking.ts';

const fixtures = new URL('../fixtures/languages/', import.meta.url);

async function anew(pool: ParserPool, bytes: Buffer, path: string, windowBytes: number) {
  const all: IndexedChunk[] = [];
  const options = { pool, path, windowBytes, indexed: true };
  for await (const batch of chunkSource(iterableSource([bytes]), options)) all.push(...batch);
  return all.map(({ signature: _s, definitions: _d, terms: _t, ...chunk }) => chunk);
}

/** Some text of `lines` inserted, removed, moved or changed, always at whole lines, so that code mostly stays code. */
function edited(text: string, random: () => number): string {
  const lines = text.split('\n');
  const at = Math.floor(random() * lines.length);
  const n = 1 + Math.floor(random() * 12);
  switch (Math.floor(random() * 5)) {
    case 0:
      lines.splice(at, n);
      break;
    case 1:
      lines.splice(at, 0, ...lines.slice(Math.floor(random() * lines.length)).slice(0, n));
      break;
    case 2:
      lines[at] = `${lines[at]} `;
      break;
    case 3:
      lines.splice(at, 0, '');
      break;
    default:
      lines[at] = (lines[at] ?? '').replace(/[a-z]{3,}/, (word) => `${word}é${Math.floor(random() * 100)}`);
  }
  return lines.join('\n');
}

const place = ({ hash, ...chunk }: DocumentChunk) => JSON.stringify({ ...chunk, hash });

describe('openDocument', () => {
  it('gives after each edit what chunking anew gives, in one window and in several', async () => {
    await using pool = new ParserPool({ workers: 1 });
    const random = seeded(7);
    let compared = 0;
    let different = 0;
    for (const file of [
      'typescript.ts',
      'python.py',
      'c.c',
      'go.go',
      'java.java',
      'markdown.md',
      'html.html',
    ]) {
      const once = readFileSync(new URL(file, fixtures), 'utf8');
      const text = `${once}\n`.repeat(Math.ceil(16_000 / once.length));
      for (const windowBytes of [8 * 1024, WINDOW_BYTES]) {
        let current = text;
        await using document = await openDocument(Buffer.from(current), { path: file, windowBytes });
        for (let round = 0; round < 10; round++) {
          current = edited(current, random);
          const bytes = Buffer.from(current);
          const { chunks } = await document.reparse(bytes);
          assert.deepEqual(document.chunks, chunks);
          assertCovers(bytes, chunks);
          for (const { text, startByte, endByte } of chunks) {
            assert.equal(text, bytes.subarray(startByte, endByte).toString());
          }
          const expected = new Set((await anew(pool, bytes, file, windowBytes)).map(place));
          compared += chunks.length;
          different += chunks.filter((chunk) => !expected.has(place(chunk))).length;
        }
      }
    }
    // Lines out of place leave errors, and recovery from them may differ.
    assert.ok(different * 100 <= compared, `${different} of ${compared} chunks differ`);
  });

  it('keeps the hash of what an edit did not touch, and says what came and went', async () => {
    const functions = Array.from(
      { length: 200 },
      (_, i) =>
        `export function step${i}(a: number) {\n${`  a = a * ${i} + compute(a);\n`.repeat(12)}  return a;\n}\n`,
    );
    await using document = await openDocument(Buffer.from(functions.join('\n')), { path: 'a.ts' });
    const before = document.chunks;
    functions[100] = functions[100]!.replace('return a;', 'return a + 1;\n  // changed');
    const { chunks, added, removed } = await document.reparse(Buffer.from(functions.join('\n')));
    assert.ok(added.length > 0 && added.length <= 3, `${added.length} added`);
    assert.ok(removed.length > 0 && removed.length <= 3);
    assert.ok(added.some(({ text }) => text.includes('return a + 1;')));
    const kept = new Set(before.map(({ hash }) => hash));
    assert.equal(chunks.filter(({ hash }) => !kept.has(hash)).length, added.length);
    assert.equal(chunks.at(-1)!.endLine, before.at(-1)!.endLine + 1);
    const back = await document.reparse(Buffer.from(functions.join('\n')));
    assert.deepEqual([back.added, back.removed], [[], []]);
  });

  it('takes any bytes for the next version: nothing, another encoding, binary, a scanner that traps', async () => {
    await using pool = new ParserPool({ workers: 1 });
    const code = 'export function f(a: number) {\n  return a;\n}\n'.repeat(50);
    const versions = [
      Buffer.from(code),
      Buffer.alloc(0),
      Buffer.from(`\ufeff${code}`, 'utf16le'),
      Buffer.concat([Buffer.from(code), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from(code)]),
      Buffer.from([0, 1, 2, 3, 0, 0, 7]),
      Buffer.from('{'.repeat(20_000)),
      Buffer.from(code),
    ];
    for (const path of ['a.ts', 'a.md', 'a.yaml']) {
      await using document = await openDocument(Buffer.alloc(0), { path });
      for (const bytes of [...versions, Buffer.from(`${'> '.repeat(600)}a\n`), Buffer.from(code)]) {
        const { chunks } = await document.reparse(bytes);
        if (bytes.includes('> > ')) {
          // Whether a scanner traps depends on what it has read before.
          assertCovers(bytes, chunks);
          continue;
        }
        const expected = await anew(pool, bytes, path, WINDOW_BYTES);
        assert.deepEqual(chunks.map(place), expected.map(place), `${path}, ${bytes.length} bytes`);
      }
    }
  });

  it('refuses what is too large, an unknown language, and work after its end, and frees its thread', async () => {
    await assert.rejects(openDocument(Buffer.alloc(16 * 1024 * 1024 + 1)), /17 MiB .* use chunkFile/);
    await assert.rejects(openDocument(Buffer.alloc(1), { language: 'klingon' }), /no language 'klingon'/);
    await assert.rejects(
      openDocument(Buffer.alloc(1), { windowBytes: 1 }),
      /windowBytes must be .* from 4096/,
    );
    const document = await openDocument(Buffer.from('let a = 1;'), { path: 'a.js' });
    const last = document.reparse(Buffer.from('let b = 1;'));
    await document[Symbol.asyncDispose]();
    await document[Symbol.asyncDispose]();
    assert.equal((await last).chunks[0]!.text, 'let b = 1;');
    await assert.rejects(document.reparse(Buffer.alloc(0)), /closed/);
  });
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chunkSource } from '../../src/chunk/chunk-source.ts';
import { detectLanguage } from '../../src/chunk/languages.ts';
import { ParserPool } from '../../src/chunk/parser-pool.ts';
import { iterableSource } from '../../src/read/byte-source.ts';
import { type CorpusFile, type FuzzCase, FuzzCases } from '../support/fuzz-case.ts';
import { FuzzRunner } from '../support/fuzz-runner.ts';
import { fixtureCase, hostileFixtures, shown } from '../support/hostile-fixtures.ts';
import { hostileInputs } from '../support/hostile-inputs.ts';

const LANGUAGES = fileURLToPath(new URL('../fixtures/languages/', import.meta.url));
const SEED = 20_240_506;
const INPUTS = 60;
/** Of the generated ones, those that once broke something, at a size that did. */
const GENERATED: readonly (readonly [name: string, path: string, n: number])[] = [
  ['open brackets', 'a.json', 1e6],
  ['keys in keys', 'a.yaml', 1000],
  ['elements that do not close', 'a.xml', 25_000],
  ['functions in functions', 'a.js', 50_000],
  ['heredocs on one line', 'a.sh', 5000],
  ['raw strings', 'a.swift', 300],
  ['raw strings', 'a.swift', 2000],
  ['elements that do not close', 'a.html', 50_000],
  ['headings', 'a.rst', 200_000],
];

const corpus: CorpusFile[] = readdirSync(LANGUAGES)
  .filter((file) => !file.includes('.expected.'))
  .sort()
  .map((file) => ({
    path: file,
    language: detectLanguage(file)?.name ?? '',
    read: () => readFileSync(join(LANGUAGES, file)),
  }));

const runner = new FuzzRunner({
  chunker: { chunkSource, ParserPool },
  ordinary: (language) => {
    const file = corpus.find((candidate) => candidate.language === language) ?? corpus[0]!;
    return { path: file.path, bytes: file.read() };
  },
});
after(() => runner[Symbol.asyncDispose]());

async function assertHolds(input: FuzzCase): Promise<void> {
  const { broken } = await runner.run(input);
  assert.equal(broken, null, input.recipe.join(', '));
}

for (const fixture of hostileFixtures()) {
  test(`${fixture.file}: ${fixture.broke}`, () => assertHolds(fixtureCase(fixture)));
}

test('a text comes out the same a hundred times from one parser, whatever lies in its memory', async () => {
  const path = 'state-from-the-heap.swift';
  const bytes = readFileSync(new URL(`../fixtures/hostile/${path}`, import.meta.url));
  await using pool = new ParserPool({ workers: 1 });
  const seen = new Set<string>();
  for (let round = 0; round < 100; round++) {
    const chunks: string[] = [];
    for await (const batch of chunkSource(iterableSource([bytes]), { pool, path })) {
      for (const { text } of batch) chunks.push(text);
    }
    seen.add(JSON.stringify(chunks));
  }
  assert.equal(seen.size, 1);
});

for (const [name, path, n] of GENERATED) {
  test(`${name} x ${n} in ${path}`, async () => {
    const hostile = hostileInputs.find((candidate) => candidate.name === name && candidate.path === path);
    assert.ok(hostile !== undefined);
    await assertHolds(shown(Buffer.from(hostile.make(n)), path));
  });
}

test(`a short fuzz, seed ${SEED}`, async () => {
  const few = ['python', 'javascript', 'c', 'html', 'markdown', 'yaml', 'bash', 'json'];
  const cases = new FuzzCases(
    SEED,
    corpus.filter(({ language }) => few.includes(language)),
  );
  for (let index = 0; index < INPUTS; index++) await assertHolds(cases.get(index));
});

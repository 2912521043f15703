/**
 * What a one-line edit of a 1 MB file costs against parsing and chunking it whole: `npm run bench:reparse [-- LANGUAGE...]`.
 * Results: bench/results/reparse.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadGrammar } from '../src/chunk/grammar-loader.ts';
import { requireLanguage } from '../src/chunk/languages.ts';
import { parse } from '../src/chunk/parse.ts';
import { openDocument } from '../src/index.ts';
import { chunkCorpus } from './lib/chunk-corpus.ts';
import { environment } from './lib/machine.ts';
import { table } from './lib/table.ts';

const SIZE = 1e6;
const EDITS = 21;

/**
 * Whole real files of a language, one after the other, up to 1 MB. Only such as parse without error: where the root of a
 * tree is an error, nothing of it can be taken over, and an edit costs a parse of the whole.
 */
async function text(language: string, files: readonly string[]): Promise<string> {
  const grammar = await loadGrammar(requireLanguage(language));
  let all = '';
  for (const file of files) {
    const next = readFileSync(file, 'utf8');
    if (all.length + next.length > SIZE) continue;
    const tree = parse(grammar, next);
    if (tree !== null && !tree.rootNode.hasError) all += `${next}\n`;
    tree?.delete();
  }
  return all;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function measure(language: string, files: readonly string[]) {
  const whole = await text(language, files);
  const lines = whole.split('\n');
  await using document = await openDocument(Buffer.from(whole), { language });
  const full: number[] = [];
  const edits: number[] = [];
  let added = 0;
  for (let i = 0; i < EDITS; i++) {
    // Nothing of the one before is left to build on.
    await document.reparse(new Uint8Array(0));
    full.push(await timed(() => document.reparse(Buffer.from(lines.join('\n')))));
    const at = Math.floor(((i + 0.5) / EDITS) * lines.length);
    lines[at] = lines[at]!.replace(/[A-Za-z]{3,}|$/, (word) => `${word}x${i}`);
    const bytes = Buffer.from(lines.join('\n'));
    edits.push(
      await timed(async () => {
        added += (await document.reparse(bytes)).added.length;
      }),
    );
  }
  const [fullMs, editMs] = [median(full), median(edits)];
  return {
    language,
    bytes: Buffer.byteLength(whole),
    chunks: document.chunks.length,
    addedPerEdit: added / EDITS,
    fullMs,
    editMs,
    saving: fullMs / editMs,
  };
}

const wanted = process.argv.slice(2);
const results: Awaited<ReturnType<typeof measure>>[] = [];
for (const { language, files } of chunkCorpus((name) => wanted.length === 0 || wanted.includes(name))) {
  results.push(await measure(language, files));
}
console.log(
  table([
    ['language', 'MB', 'chunks', 'new per edit', 'whole ms', 'edit ms', 'times faster'],
    ...results.map(({ language, bytes, chunks, addedPerEdit, fullMs, editMs, saving }) => [
      language,
      Number((bytes / 1e6).toFixed(2)),
      chunks,
      Number(addedPerEdit.toFixed(1)),
      Math.round(fullMs),
      Number(editMs.toFixed(1)),
      Number(saving.toFixed(1)),
    ]),
  ]),
);
if (wanted.length === 0) {
  writeFileSync(
    fileURLToPath(new URL('./results/reparse.json', import.meta.url)),
    `${JSON.stringify({ environment: environment(), results }, null, 1)}\n`,
  );
}

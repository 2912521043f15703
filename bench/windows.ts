/**
 * Whether chunking in windows gives what one parse of the whole text gives: real texts of 1.3 to 3 MB in each language,
 * chunked in one window and in windows of several sizes. `npm run bench:windows -- LANGUAGE ...` runs some languages only.
 * Results: bench/results/windows.json.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type ChunkReport, chunkSource } from '../src/chunk/chunk-source.ts';
import { ParserPool } from '../src/chunk/parser-pool.ts';
import { iterableSource } from '../src/read/byte-source.ts';
import { corpusPackages, languageCorpus } from './lib/language-corpus.ts';
import { environment } from './lib/machine.ts';
import { table } from './lib/table.ts';
import { type WindowInput, windowInputs } from './lib/window-inputs.ts';

const RESULTS = new URL('./results/windows.json', import.meta.url);
const KIB = 1024;
/** The default is 512 KiB; the others show what the seams cost where there are more of them, and fewer. */
const WINDOWS = [64 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB];
const WHOLE = 64 * 1024 * KIB;

interface Chunked {
  /** By `startByte-endByte`: symbol and scope. */
  readonly chunks: ReadonlyMap<string, string>;
  readonly lexical: ChunkReport['lexical'];
}

interface Agreement {
  readonly windowBytes: number;
  readonly chunks: number;
  /** Chunks that are in both, with the same symbol and scope. */
  readonly equal: number;
  /** Chunks that are in both, whatever they are called. */
  readonly bounds: number;
  readonly lexical: ChunkReport['lexical'];
}

interface InputResult extends Omit<WindowInput, 'text' | 'path'> {
  readonly file: string;
  readonly bytes: number;
  readonly chunks: number;
  readonly lexical: ChunkReport['lexical'];
  readonly windows: Agreement[];
}

async function chunked(pool: ParserPool, input: WindowInput, windowBytes: number): Promise<Chunked> {
  const bytes = Buffer.from(input.text);
  await using source = iterableSource([bytes]);
  const batches = chunkSource(source, {
    pool,
    path: input.path,
    language: input.language,
    windowBytes,
    whole: windowBytes === WHOLE,
    sizeHint: bytes.length,
  });
  const chunks = new Map<string, string>();
  for (;;) {
    const { done, value } = await batches.next();
    if (done) return { chunks, lexical: value.lexical };
    for (const { startByte, endByte, symbol, scope } of value) {
      chunks.set(`${startByte}-${endByte}`, `${scope ?? ''}\n${symbol ?? ''}`);
    }
  }
}

async function measure(input: WindowInput): Promise<InputResult> {
  await using pool = new ParserPool({ workers: 1 });
  const whole = await chunked(pool, input, WHOLE);
  const windows: Agreement[] = [];
  for (const windowBytes of WINDOWS) {
    const { chunks, lexical } = await chunked(pool, input, windowBytes);
    let bounds = 0;
    let equal = 0;
    for (const [range, label] of chunks) {
      const other = whole.chunks.get(range);
      if (other !== undefined) bounds++;
      if (other === label) equal++;
    }
    windows.push({ windowBytes, chunks: chunks.size, equal, bounds, lexical });
  }
  const { text, path, ...rest } = input;
  return {
    ...rest,
    file: basename(path),
    bytes: Buffer.byteLength(text),
    chunks: whole.chunks.size,
    lexical: whole.lexical,
    windows,
  };
}

/** Equal chunks of all, in percent; of two numbers of chunks the larger counts. */
function percent(inputs: readonly InputResult[], window: number, what: 'equal' | 'bounds'): string {
  const sum = (of: (input: InputResult) => number) => inputs.reduce((total, input) => total + of(input), 0);
  const all = sum((input) => Math.max(input.chunks, input.windows[window]!.chunks));
  return ((100 * sum((input) => input.windows[window]![what])) / all).toFixed(2);
}

const wanted = process.argv.slice(2);
const corpus = await languageCorpus();
const unknown = wanted.filter((name) => !corpus.has(name));
if (unknown.length > 0) throw new Error(`no such language: ${unknown}; there are ${[...corpus.keys()]}`);
type Results = Record<string, InputResult[]>;
const stored: Results = existsSync(RESULTS)
  ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as { languages: Results }).languages
  : {};
const rows: (string | number)[][] = [
  [
    'language',
    'input',
    'MB',
    'errors %',
    'chunks',
    ...WINDOWS.map((bytes) => `${bytes / KIB} KiB`),
    'bounds alone',
  ],
];
for (const [language, paths] of corpus) {
  if (wanted.length > 0 && !wanted.includes(language)) continue;
  const inputs: InputResult[] = [];
  for (const input of await windowInputs(language, paths)) inputs.push(await measure(input));
  if (inputs.length === 0) continue;
  stored[language] = inputs;
  const total = (of: (input: InputResult) => number) => inputs.reduce((sum, input) => sum + of(input), 0);
  const bytes = total((input) => input.bytes);
  const row = [
    language,
    inputs.map(({ made }) => made).join(', '),
    Number((bytes / 1e6).toFixed(1)),
    Number(((100 * total((input) => input.errors * input.bytes)) / bytes).toFixed(2)),
    total((input) => input.chunks),
    ...WINDOWS.map((_, i) => percent(inputs, i, 'equal')),
    WINDOWS.map((_, i) => percent(inputs, i, 'bounds')).join(' '),
    inputs
      .flatMap(({ lexical, windows }) => [lexical, ...windows.map((w) => w.lexical)].map((l) => l?.reason))
      .filter(Boolean)
      .join(),
  ];
  rows.push(row);
  console.error(row.join('  '));
}
console.log(table(rows));
const ordered = Object.fromEntries(Object.entries(stored).sort(([a], [b]) => (a < b ? -1 : 1)));
mkdirSync(new URL('./results/', import.meta.url), { recursive: true });
writeFileSync(
  RESULTS,
  `${JSON.stringify({ environment: environment(), packages: corpusPackages(), languages: ordered }, null, 1)}\n`,
);

/**
 * One chunker over one list of files, in a process of its own: bench/chunk.ts compiles this file and starts it. Prints
 * one JSON line, the outcome. What is loaded and compiled once (the process, the library, the grammar, the code that V8
 * optimizes) is done on the first files, before the clocks start, for every contender alike.
 */
import { readFile } from 'node:fs/promises';

export interface ContenderJob {
  readonly contender: ContenderName;
  /** tidemark's name of the language, and LangChain's. */
  readonly language: string;
  readonly langchain: string;
  readonly grammar: string;
  /** The URL of tidemark's library. */
  readonly tidemark: string;
  readonly warmUp: readonly string[];
  readonly files: readonly string[];
  /** No further file is begun after this time. */
  readonly limitSeconds: number;
}

export interface ContenderOutcome {
  /** Files that were chunked, or refused, before the time was up. */
  readonly files: number;
  readonly chunks: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Files that it refused, and what it said of the first. */
  readonly failed: number;
  readonly error: string | null;
}

const CONTENDERS = {
  tidemark,
  'web-tree-sitter': bareParser,
  'LangChain recursive': langchain,
  'LlamaIndex code': llamaindexCode,
  'LlamaIndex sentence': llamaindexSentence,
};
export type ContenderName = keyof typeof CONTENDERS;

/** tidemark's own default, in tokens; where a chunker counts characters, what that is in code on the average. */
const TOKENS = 224;
const CHARACTERS = 800;

/** Chunks a file and says into how many. */
type Chunker = (path: string) => number | Promise<number>;

async function tidemark({ tidemark, language }: ContenderJob): Promise<Chunker> {
  const { chunkFile } = (await import(tidemark)) as typeof import('../../src/index.ts');
  return async (path) => {
    let chunks = 0;
    for await (const _ of chunkFile(path, { language })) chunks++;
    return chunks;
  };
}

async function newParser(grammar: string) {
  const { Language, Parser } = await import('web-tree-sitter');
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(await readFile(grammar)));
  return parser;
}

/** The limit of what any chunker on this parser can reach: the files are parsed, and that is all. */
async function bareParser({ grammar }: ContenderJob): Promise<Chunker> {
  const parser = await newParser(grammar);
  return async (path) => {
    const tree = parser.parse(await readFile(path, 'utf8'));
    tree?.delete();
    return 0;
  };
}

/** Not installed where the project is checked: the names are out of the compiler's sight on purpose. */
const peer = async (name: string) => (await import(name)) as Record<string, never>;

interface Splitter {
  splitText(text: string): string[] | Promise<string[]>;
}

async function langchain({ langchain }: ContenderJob): Promise<Chunker> {
  const { RecursiveCharacterTextSplitter } = (await peer('@langchain/textsplitters')) as unknown as {
    RecursiveCharacterTextSplitter: { fromLanguage(language: string, options: object): Splitter };
  };
  const splitter = RecursiveCharacterTextSplitter.fromLanguage(langchain, {
    chunkSize: CHARACTERS,
    chunkOverlap: 0,
  });
  return async (path) => (await splitter.splitText(await readFile(path, 'utf8'))).length;
}

/** It never frees its trees; here they are freed for it. */
async function llamaindexCode({ grammar }: ContenderJob): Promise<Chunker> {
  const { CodeSplitter } = (await peer('@llamaindex/node-parser/code')) as unknown as {
    CodeSplitter: new (options: object) => Splitter;
  };
  const parser = await newParser(grammar);
  let tree: ReturnType<typeof parser.parse> = null;
  const parse = (text: string) => {
    tree = parser.parse(text);
    return tree;
  };
  const splitter = new CodeSplitter({ getParser: () => ({ parse }), maxChars: CHARACTERS });
  return async (path) => {
    try {
      return (await splitter.splitText(await readFile(path, 'utf8'))).length;
    } finally {
      tree?.delete();
    }
  };
}

async function llamaindexSentence(_: ContenderJob): Promise<Chunker> {
  const { SentenceSplitter } = (await peer('@llamaindex/core/node-parser')) as unknown as {
    SentenceSplitter: new (options: object) => Splitter;
  };
  const splitter = new SentenceSplitter({ chunkSize: TOKENS, chunkOverlap: 0 });
  return async (path) => (await splitter.splitText(await readFile(path, 'utf8'))).length;
}

async function main(job: ContenderJob): Promise<ContenderOutcome> {
  const chunk = await CONTENDERS[job.contender](job);
  const late = performance.now() + job.limitSeconds * 100;
  for (const path of job.warmUp) {
    if (performance.now() > late) break;
    try {
      await chunk(path);
    } catch {
      // It refuses the file; that is counted below.
    }
  }
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  let files = 0;
  let chunks = 0;
  let failed = 0;
  let error: string | null = null;
  for (const path of job.files) {
    if (performance.now() - started > job.limitSeconds * 1000) break;
    files++;
    try {
      chunks += await chunk(path);
    } catch (cause) {
      failed++;
      error ??= (cause as Error).message;
    }
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { files, chunks, seconds, cpuSeconds: (user + system) / 1e6, failed, error };
}

const input = process.argv[2];
if (input !== undefined) {
  const outcome = await main(JSON.parse(await readFile(input, 'utf8')) as ContenderJob);
  process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
}

/**
 * One peer's pipeline over one tree, from files to vectors that can be searched, in a process of its own: bench/peers.ts
 * compiles this file and starts it. Each is what the peer's documentation shows, with its own defaults wherever it has
 * some, and ends with a search of its store. Prints a JSON line now and then: how far it is.
 */
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

export interface PipelineJob {
  readonly pipeline: PipelineName;
  readonly tree: string;
  /** A directory for what the pipeline stores. */
  readonly store: string;
}

export interface PipelineProgress {
  readonly files: number;
  readonly chunks: number;
  readonly stage: Stage;
}

export type Stage = 'read' | 'split' | 'embed and store' | 'searchable';

const PIPELINES = {
  'LangChain, memory store': langchainMemory,
  'LangChain, memory store, file by file': langchainByFile,
  'LangChain, LanceDB': langchainLance,
  'LlamaIndex, vector store index': llamaindex,
};
export type PipelineName = keyof typeof PIPELINES;

const DIMENSIONS = 384;
const QUERY = 'register a device with the interrupt controller';
/** What LangChain's documentation of its code splitter takes is 60 characters; that would be many more chunks. */
const LANGCHAIN_CHUNKS = { chunkSize: 1000, chunkOverlap: 200 };
const REPORT_MS = 100;

/** Counts of words by their hash, of length 1: the same function for all, as the model is not what is measured. */
export function embed(text: string): number[] {
  const vector = new Array<number>(DIMENSIONS).fill(0);
  for (const word of text.toLowerCase().match(/\w+/g) ?? []) {
    let hash = 2166136261;
    for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 16777619);
    vector[(hash >>> 0) % DIMENSIONS]! += 1;
  }
  const norm = Math.hypot(...vector) || 1;
  return vector.map((value) => value / norm);
}

let [files, chunks, reported] = [0, 0, 0];

function report(stage: Stage, now = false): void {
  if (!now && performance.now() - reported < REPORT_MS) return;
  reported = performance.now();
  const progress: PipelineProgress = { files, chunks, stage };
  process.stdout.write(`${JSON.stringify(progress)}\n`);
}

/** Not installed where the project is checked: the names are out of the compiler's sight on purpose. */
const peer = async <T>(name: string) => (await import(name)) as T;

interface LangchainDocument {
  readonly pageContent: string;
}
interface Loader {
  load(): Promise<LangchainDocument[]>;
}
interface LangchainStore {
  addDocuments(documents: LangchainDocument[]): Promise<unknown>;
  similaritySearch(query: string, limit: number): Promise<LangchainDocument[]>;
}
interface Splitter {
  splitDocuments(documents: LangchainDocument[]): Promise<LangchainDocument[]>;
}
type FromDocuments = (
  documents: LangchainDocument[],
  embeddings: object,
  options?: object,
) => Promise<LangchainStore>;

async function filesOf(tree: string): Promise<string[]> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The parts of LangChain that its pipelines have in common. */
async function langchain() {
  const { TextLoader } = await peer<{ TextLoader: new (path: string) => Loader }>(
    '@langchain/classic/document_loaders/fs/text',
  );
  const { RecursiveCharacterTextSplitter } = await peer<{
    RecursiveCharacterTextSplitter: { fromLanguage(language: string, options: object): Splitter };
  }>('@langchain/textsplitters');
  const { Embeddings } = await peer<{ Embeddings: new (options: object) => object }>(
    '@langchain/core/embeddings',
  );
  class WordHashes extends Embeddings {
    async embedDocuments(texts: string[]): Promise<number[][]> {
      return texts.map((text) => embed(text));
    }

    async embedQuery(text: string): Promise<number[]> {
      return embed(text);
    }
  }
  class CountingLoader extends TextLoader {
    override async load(): Promise<LangchainDocument[]> {
      const documents = await super.load();
      files++;
      report('read');
      return documents;
    }
  }
  const splitter = RecursiveCharacterTextSplitter.fromLanguage('cpp', LANGCHAIN_CHUNKS);
  return { CountingLoader, splitter, embeddings: new WordHashes({}) };
}

async function langchainAtOnce(tree: string, fromDocuments: FromDocuments, options?: object): Promise<void> {
  const { CountingLoader, splitter, embeddings } = await langchain();
  const { DirectoryLoader } = await peer<{
    DirectoryLoader: new (path: string, loaders: Record<string, (path: string) => Loader>) => Loader;
  }>('@langchain/classic/document_loaders/fs/directory');
  // It reads only what it is given a loader for, and takes none for files without an extension.
  const extensions = new Set((await filesOf(tree)).map((path) => extname(path)).filter(Boolean));
  const loaders = Object.fromEntries(
    [...extensions].map((extension) => [extension, (path: string) => new CountingLoader(path)]),
  );
  const documents = await new DirectoryLoader(tree, loaders).load();
  report('split', true);
  const split = await splitter.splitDocuments(documents);
  chunks = split.length;
  report('embed and store', true);
  const store = await fromDocuments(split, embeddings, options);
  await store.similaritySearch(QUERY, 10);
}

interface MemoryStore {
  fromDocuments: FromDocuments;
  new (embeddings: object): LangchainStore;
}
const memoryStore = async () =>
  (await peer<{ MemoryVectorStore: MemoryStore }>('@langchain/classic/vectorstores/memory'))
    .MemoryVectorStore;

async function langchainMemory({ tree }: PipelineJob): Promise<void> {
  const store = await memoryStore();
  await langchainAtOnce(tree, (...args) => store.fromDocuments(...args));
}

async function langchainLance({ tree, store }: PipelineJob): Promise<void> {
  const { LanceDB } = await peer<{ LanceDB: { fromDocuments: FromDocuments } }>(
    '@langchain/community/vectorstores/lancedb',
  );
  await langchainAtOnce(tree, (...args) => LanceDB.fromDocuments(...args), { uri: store });
}

async function langchainByFile({ tree }: PipelineJob): Promise<void> {
  const { CountingLoader, splitter, embeddings } = await langchain();
  const store = new (await memoryStore())(embeddings);
  for (const path of await filesOf(tree)) {
    const split = await splitter.splitDocuments(await new CountingLoader(path).load());
    chunks += split.length;
    await store.addDocuments(split);
  }
  await store.similaritySearch(QUERY, 10);
}

async function llamaindex({ tree }: PipelineJob): Promise<void> {
  interface Node {
    readonly text: string;
  }
  const { BaseEmbedding, SentenceSplitter, Settings, VectorStoreIndex } = await peer<{
    BaseEmbedding: new () => object;
    SentenceSplitter: new () => object;
    Settings: { embedModel: object; nodeParser: object };
    VectorStoreIndex: {
      fromDocuments(documents: Node[]): Promise<{
        asRetriever(options: object): { retrieve(query: object): Promise<unknown[]> };
      }>;
    };
  }>('llamaindex');
  const { SimpleDirectoryReader } = await peer<{
    SimpleDirectoryReader: new (
      observer: (category: string, name: string, status: number) => boolean,
    ) => { loadData(options: object): Promise<Node[]> };
  }>('@llamaindex/readers/directory');
  const { TextFileReader } = await peer<{ TextFileReader: new () => object }>('@llamaindex/readers/text');
  class WordHashes extends BaseEmbedding {
    async getTextEmbedding(text: string): Promise<number[]> {
      chunks++;
      report('embed and store');
      return embed(text);
    }
  }
  Settings.embedModel = new WordHashes();
  Settings.nodeParser = new SentenceSplitter();
  const reader = new SimpleDirectoryReader((category, _, status) => {
    // 1 is the end of a file.
    if (category === 'file' && status === 1) files++;
    report('read');
    return true;
  });
  const documents = await reader.loadData({ directoryPath: tree, defaultReader: new TextFileReader() });
  report('split', true);
  const index = await VectorStoreIndex.fromDocuments(documents);
  await index.asRetriever({ similarityTopK: 10 }).retrieve({ query: QUERY });
}

const input = process.argv[2];
if (input !== undefined) {
  const job = JSON.parse(await readFile(input, 'utf8')) as PipelineJob;
  await PIPELINES[job.pipeline](job);
  report('searchable', true);
  if (process.stdout.writableLength > 0) await once(process.stdout, 'drain');
  process.exit(0);
}

import {
  type Chunk,
  type ChunkKind,
  chunkFile,
  chunkStream,
  type Degradation,
  type Document,
  type DocumentChange,
  type DocumentChunk,
  type Hit,
  type IndexEvent,
  type IndexStatus,
  openDocument,
  openIndex,
  type SearchResult,
  type Summary,
  TidemarkError,
  type TidemarkIndex,
} from '../../src/index.ts';

// Never run: that this compiles, and that each line after @ts-expect-error does not, is the test.

export async function opening(): Promise<void> {
  await using index = await openIndex('.', { index: '/tmp/x', memory: '512MB', device: 'cpu', model: './m' });
  index satisfies TidemarkIndex & AsyncDisposable;
  (await openIndex('.', { memory: 512e6 })) satisfies TidemarkIndex;
  // @ts-expect-error the directory is not optional
  await openIndex();
  // @ts-expect-error no such device
  await openIndex('.', { device: 'cuda' });
  // @ts-expect-error no such option
  await openIndex('.', { budget: 1 });
  // @ts-expect-error an option that is left out is left out
  await openIndex('.', { model: undefined });
  // @ts-expect-error what is read is not written
  index.root = '/';
}

export async function updating(index: TidemarkIndex, signal: AbortSignal): Promise<Summary | null> {
  let summary: Summary | null = null;
  for await (const event of index.update({ embed: false, signal, force: true, countAhead: true })) {
    event satisfies IndexEvent;
    switch (event.type) {
      case 'start':
        event.lane satisfies 'lexical' | 'semantic';
        break;
      case 'progress':
        event.done satisfies number;
        event.total satisfies number | null;
        // @ts-expect-error the total may not be known
        event.total satisfies number;
        break;
      case 'skipped':
        event.path satisfies string;
        break;
      case 'degraded':
      case 'recovered':
        event satisfies Pick<Degradation, 'step' | 'reason'>;
        break;
      case 'download':
        event.doneBytes satisfies number;
        event.waiting satisfies string | null;
        break;
      case 'maintenance':
        // @ts-expect-error it carries nothing
        event.path;
        break;
      case 'done':
        summary = event.summary;
        break;
      default:
        // Whoever handles the events of this version is told by the compiler of a new one.
        event satisfies never;
    }
  }
  // @ts-expect-error a signal, not a controller
  index.update({ signal: new AbortController() }) satisfies AsyncIterable<IndexEvent>;
  return summary;
}

export async function searching(index: TidemarkIndex): Promise<void> {
  const result = await index.search('query', {
    limit: 3,
    path: 'src/**',
    language: 'go',
    kind: 'docs',
    mode: 'lexical',
  });
  result satisfies SearchResult;
  result.hits satisfies readonly Hit[];
  result.hits[0] satisfies Hit | undefined;
  result.coverage satisfies number;
  (await index.related('a.ts', 1, { perFile: 1 })) satisfies SearchResult;
  // @ts-expect-error a line is needed
  await index.related('a.ts');
  // @ts-expect-error a query is needed
  await index.search();
  // @ts-expect-error no such mode
  await index.search('query', { mode: 'fuzzy' });
  // @ts-expect-error no such kind
  await index.search('query', { kind: 'text' });
  // @ts-expect-error hits are not changed in place
  if (result.hits[0] !== undefined) result.hits[0].score = 1;
}

export async function listing(index: TidemarkIndex): Promise<void> {
  for await (const file of index.files({ skipped: true })) {
    file.state satisfies 'pending' | 'embedded' | 'skipped';
    // @ts-expect-error a language may not be known
    file.language satisfies string;
  }
  for await (const chunk of index.chunks()) {
    chunk.path satisfies string;
    chunk satisfies Chunk;
  }
  const status: IndexStatus = await index.status();
  status.model?.dimensions satisfies number | undefined;
  index.clean() satisfies Promise<void>;
  index.close() satisfies Promise<void>;
}

export async function chunking(bytes: AsyncIterable<Uint8Array>): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for await (const chunk of chunkFile('a.ts', { language: 'typescript', maxTokens: 100 })) chunks.push(chunk);
  for await (const chunk of chunkStream(bytes, { path: 'a.ts', signal: AbortSignal.timeout(1) })) {
    chunk.kind satisfies ChunkKind;
    chunk.scope satisfies string | null;
    // @ts-expect-error the identity of a chunk is the index's business
    chunk.hash;
  }
  chunkStream([Buffer.from('text')]) satisfies AsyncIterable<Chunk>;
  // @ts-expect-error bytes, not text
  chunkStream(['text']) satisfies AsyncIterable<Chunk>;
  return chunks;
}

export async function editing(bytes: Uint8Array): Promise<string[]> {
  await using document: Document = await openDocument(bytes, { path: 'a.ts', maxTokens: 100 });
  const change: DocumentChange = await document.reparse(bytes);
  change.removed satisfies readonly DocumentChunk[];
  // @ts-expect-error chunks are replaced by the next version, not changed
  change.added.push(...change.removed);
  // @ts-expect-error bytes, not text
  document.reparse('text') satisfies Promise<DocumentChange>;
  return document.chunks.map(({ hash }) => hash);
}

export function failing(error: unknown): string {
  return error instanceof TidemarkError ? error.code : 'unknown';
}

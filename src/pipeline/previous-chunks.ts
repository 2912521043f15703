import { createHash } from 'node:crypto';
import type { ChunkRow, FileRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

const COMPARED = [
  'id',
  'language',
  'kind',
  'symbol',
  'scope',
  'signature',
  'definitions',
  'startLine',
  'endLine',
  'startByte',
  'endByte',
] as const;
/** So many chunks are read at a time: those of many small files, or a part of a large one. */
const PAGE_CHUNKS = 16_384;

interface Page {
  readonly from: number;
  /** By ordinal, from `from` on. */
  readonly prints: (string | undefined)[];
}

/**
 * Stands for all that a chunk row holds, within one path and one version of the chunker: the id is made of the content,
 * and the search terms of content, path and definitions.
 */
export function fingerprint(chunk: Pick<ChunkRow, (typeof COMPARED)[number]>): string {
  const digest = createHash('sha256').update(JSON.stringify(COMPARED.map((key) => chunk[key])));
  return digest.digest('base64url').slice(0, 22);
}

/**
 * Fingerprints of the chunks that changed files have in the index so far. Files are asked for in the order given, each
 * from its start to its end, so that one page is held and whatever the size of a file costs no memory.
 */
export class PreviousChunks {
  readonly #store: Store;
  readonly #files: readonly FileRow[];
  #pages = new Map<string, Page>();

  constructor(store: Store, files: readonly FileRow[]) {
    this.#store = store;
    this.#files = files;
  }

  /** Of the chunks with the ordinals from `from` on, up to `count`; undefined where there is no row. */
  async of(file: FileRow, from: number, count: number): Promise<readonly (string | undefined)[]> {
    const prints: (string | undefined)[] = [];
    const to = Math.min(from + count, file.chunks);
    for (let at = from; at < to; at = from + prints.length) {
      const page = this.#find(file, at) ?? (await this.#load(file, at));
      prints.push(...page.prints.slice(at - page.from, to - page.from));
    }
    return prints;
  }

  #find(file: FileRow, ordinal: number): Page | undefined {
    const page = this.#pages.get(file.path);
    if (page === undefined || ordinal < page.from) return undefined;
    return ordinal < page.from + page.prints.length ? page : undefined;
  }

  async #load(file: FileRow, ordinal: number): Promise<Page> {
    const group = file.chunks > PAGE_CHUNKS ? [file] : this.#groupFrom(file);
    const from = group.length > 1 ? 0 : ordinal;
    const range = { from, to: from + PAGE_CHUNKS };
    const pages = group.map(({ path, chunks }): [string, Page] => {
      const prints = new Array<string | undefined>(Math.min(PAGE_CHUNKS, chunks - from)).fill(undefined);
      return [path, { from, prints }];
    });
    this.#pages = new Map(pages);
    const keys = [...COMPARED, 'path', 'ordinal'] as const;
    for await (const rows of this.#store.chunksOfFiles(group, keys, range))
      for (const row of rows) this.#pages.get(row.path)!.prints[row.ordinal - from] = fingerprint(row);
    return this.#pages.get(file.path)!;
  }

  #groupFrom(file: FileRow): FileRow[] {
    const rest = this.#files.slice(this.#files.indexOf(file));
    let chunks = 0;
    const end = rest.findIndex((next) => {
      chunks += next.chunks;
      return chunks > PAGE_CHUNKS;
    });
    return end === -1 ? rest : rest.slice(0, end);
  }
}

import { TidemarkError } from '../errors.ts';
import type { Chunk, IndexedChunk } from './chunk.ts';
import { DEFAULT_MAX_TOKENS, type Inspection, inspect, MAX_STRIKES, WINDOW_BYTES } from './chunk-source.ts';
import { requireLanguage } from './languages.ts';
import { DEFAULT_RECYCLE_BYTES } from './parser-pool.ts';
import { ParserThread, ParserTrap } from './parser-thread.ts';
import type { ChunkedWindow } from './window.ts';
import { NO_SCOPE, type OpenScope, type WindowRequest } from './window-request.ts';

/** A chunk and the hash of what is embedded of it (hex, 128 bits of SHA-256): what has the same hash is the same. */
export interface DocumentChunk extends Chunk {
  readonly hash: string;
}

export interface DocumentOptions {
  /** Tells the language; need not exist. */
  readonly path?: string;
  /** Canonical name or alias of the language. */
  readonly language?: string;
  /** Largest chunk in estimated tokens; default 224. */
  readonly maxTokens?: number;
  /** Size of a window in bytes, from 4,096; default 512 KiB. */
  readonly windowBytes?: number;
}

export interface DocumentChange {
  /** All chunks of the new version, in order. */
  readonly chunks: readonly DocumentChunk[];
  /** Those with no equal in the version before, and those of it with no equal now. */
  readonly added: readonly DocumentChunk[];
  readonly removed: readonly DocumentChunk[];
}

/** A document is held whole, with its trees; larger files are for `chunkFile`, which holds neither. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
/** A window is to hold a chunk and what it takes to cut it. */
const MIN_WINDOW_BYTES = 4096;

interface DocumentWindow {
  /** Under which the parser thread keeps it. */
  readonly version: number;
  readonly start: number;
  readonly startLine: number;
  readonly scope: OpenScope;
  readonly lexical: boolean;
  readonly end: number;
  readonly endLine: number;
  readonly endScope: OpenScope;
  readonly failed: boolean;
  readonly chunks: readonly DocumentChunk[];
}

/** `[start, oldEnd)` became `[start, newEnd)`. */
interface ByteEdit {
  readonly start: number;
  readonly oldEnd: number;
  readonly newEnd: number;
}

/**
 * A file that is being edited. Keeps its syntax trees, so that a new version costs what its edits cost: an unchanged
 * part is neither parsed nor hashed again, and its chunks keep their hashes. Dispose it: it owns a thread.
 */
export class Document implements AsyncDisposable {
  readonly #options: DocumentOptions;
  #bytes: Uint8Array = new Uint8Array(0);
  #inspection: Inspection | null = null;
  #windows: readonly DocumentWindow[] = [];
  #thread: ParserThread | null = null;
  #versions = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  /** See {@link openDocument}. */
  constructor(options: DocumentOptions) {
    const { windowBytes = WINDOW_BYTES } = options;
    if (!Number.isInteger(windowBytes) || windowBytes < MIN_WINDOW_BYTES) {
      throw new RangeError(`windowBytes must be a whole number from ${MIN_WINDOW_BYTES}`);
    }
    this.#options = options;
  }

  /** The chunks of the current version, in order. */
  get chunks(): readonly DocumentChunk[] {
    return this.#windows.flatMap(({ chunks }) => chunks);
  }

  /**
   * Makes `bytes` the current version; the edits are found by comparing. Calls are served one after the other. `bytes`
   * must not be changed after that.
   *
   * The chunks are those that chunking anew would give. Only in text that does not parse can they differ, as a parser's
   * recovery from errors depends on what it has seen before.
   *
   * @throws TidemarkError `ERR_TIDEMARK_DOCUMENT_TOO_LARGE` above 16 MiB, `ERR_TIDEMARK_DOCUMENT_CLOSED` after disposal
   */
  reparse(bytes: Uint8Array): Promise<DocumentChange> {
    if (this.#disposed) {
      const closed = 'the document is closed; open it again';
      return Promise.reject(new TidemarkError('ERR_TIDEMARK_DOCUMENT_CLOSED', closed));
    }
    const change = this.#queue.then(async () => {
      try {
        return await this.#reparse(bytes);
      } catch (error) {
        // The thread may hold windows of a version that never came to be.
        await this.#replaceThread();
        throw error;
      }
    });
    this.#queue = change.catch(() => {});
    return change;
  }

  /** Waits for what is being parsed, then frees thread and trees. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#queue;
    await this.#thread?.stop();
    this.#thread = null;
    this.#windows = [];
  }

  async #reparse(bytes: Uint8Array): Promise<DocumentChange> {
    if (bytes.byteLength > MAX_DOCUMENT_BYTES) {
      const size = `${Math.ceil(bytes.byteLength / 1024 / 1024)} MiB`;
      throw new TidemarkError(
        'ERR_TIDEMARK_DOCUMENT_TOO_LARGE',
        `a document of ${size} is not kept in memory (the limit is 16 MiB); use chunkFile or chunkStream`,
      );
    }
    const before = this.#windows;
    const windowBytes = this.#options.windowBytes ?? WINDOW_BYTES;
    const { path = '', language } = this.#options;
    const inspection = inspect(bytes.subarray(0, windowBytes), {
      path,
      ...(language === undefined ? {} : { language: requireLanguage(language).name }),
    });
    const same = JSON.stringify(inspection) === JSON.stringify(this.#inspection);
    const old = same ? before : [];
    const edit = editOf(this.#bytes, bytes);
    const windows: DocumentWindow[] = [];
    const taken = new Set<number>();
    for (let next: DocumentWindow | undefined; next === undefined || next.end < bytes.byteLength; ) {
      const place = placeAfter(next, windows, inspection);
      const rest = resumed(old, place, edit);
      if (rest !== null) {
        windows.push(...rest.map((window) => (taken.has(window.version) ? this.#renamed(window) : window)));
        break;
      }
      const kept = old.find((window) => window.start === place.start) ?? old[windows.length];
      const earlier = kept === undefined || taken.has(kept.version) ? undefined : kept;
      const untouched = place.start + windowBytes <= edit.start;
      if (earlier?.start === place.start && samePlace(earlier, place) && untouched) next = earlier;
      else next = await this.#chunk(bytes, inspection, place, earlier);
      taken.add(next.version);
      windows.push(next);
    }
    this.#bytes = bytes;
    this.#inspection = inspection;
    this.#windows = windows;
    return changeBetween(before, this.chunks);
  }

  /** A window whose tree went to another one. */
  #renamed(window: DocumentWindow): DocumentWindow {
    return { ...window, version: this.#versions++ };
  }

  async #chunk(
    bytes: Uint8Array,
    { encoding, language, kind }: Inspection,
    place: Place,
    earlier: DocumentWindow | undefined,
  ): Promise<DocumentWindow> {
    const windowBytes = this.#options.windowBytes ?? WINDOW_BYTES;
    const version = earlier?.version ?? this.#versions++;
    const request: WindowRequest = {
      bytes: bytes.slice(place.start, place.start + windowBytes),
      startByte: place.start,
      startLine: place.startLine,
      encoding,
      language,
      kind,
      first: place.first,
      last: bytes.byteLength - place.start < windowBytes,
      scope: place.scope,
      lexical: place.lexical,
      maxTokens: this.#options.maxTokens ?? DEFAULT_MAX_TOKENS,
      path: this.#options.path ?? '',
      indexed: true,
    };
    const result = await this.#run(request, version);
    return {
      version,
      start: place.start,
      startLine: place.startLine,
      scope: place.scope,
      lexical: place.lexical,
      end: place.start + result.consumed,
      endLine: result.nextLine,
      endScope: result.scope,
      failed: result.lexicalReason !== null,
      chunks: assemble(place, earlier, result),
    };
  }

  async #run(window: WindowRequest, version: number): Promise<Omit<ChunkedWindow, 'version'>> {
    try {
      return await this.#call(window, version);
    } catch (error) {
      if (!(error instanceof ParserTrap)) throw error;
    }
    try {
      // What broke may be the old tree and not the text.
      return await this.#call(window, version);
    } catch (error) {
      if (!(error instanceof ParserTrap) || window.lexical) throw error;
      return { ...(await this.#call({ ...window, lexical: true }, version)), lexicalReason: 'parser-trap' };
    }
  }

  async #call(window: WindowRequest, version: number): Promise<Omit<ChunkedWindow, 'version'>> {
    this.#thread ??= new ParserThread();
    try {
      const { result, heapBytes } = await this.#thread.call({ window, version });
      if (heapBytes > DEFAULT_RECYCLE_BYTES) await this.#replaceThread();
      return result;
    } catch (error) {
      await this.#replaceThread();
      throw error;
    }
  }

  /** Its versions are lost with it: the windows are parsed anew when they change. */
  async #replaceThread(): Promise<void> {
    await this.#thread?.stop();
    this.#thread = null;
  }
}

/**
 * Chunks a file of at most 16 MiB and keeps its syntax trees, for {@link Document.reparse}. The caller disposes it.
 *
 * @throws TidemarkError `ERR_TIDEMARK_DOCUMENT_TOO_LARGE`, `ERR_TIDEMARK_LANGUAGE`
 */
export async function openDocument(bytes: Uint8Array, options: DocumentOptions = {}): Promise<Document> {
  const document = new Document(options);
  try {
    await document.reparse(bytes);
    return document;
  } catch (error) {
    await document[Symbol.asyncDispose]();
    throw error;
  }
}

/** Where a window begins, and what it begins in. */
interface Place {
  readonly start: number;
  readonly startLine: number;
  readonly scope: OpenScope;
  readonly lexical: boolean;
  readonly first: boolean;
}

function placeAfter(
  window: DocumentWindow | undefined,
  windows: readonly DocumentWindow[],
  { bomBytes, binary }: Inspection,
): Place {
  const lexical = binary || windows.filter(({ failed }) => failed).length >= MAX_STRIKES;
  if (window === undefined) return { start: bomBytes, startLine: 1, scope: NO_SCOPE, lexical, first: true };
  const { end: start, endLine: startLine, endScope: scope } = window;
  return { start, startLine, scope, lexical, first: false };
}

function samePlace(window: DocumentWindow, { scope, lexical }: Place): boolean {
  return (
    window.lexical === lexical &&
    window.scope.headers === scope.headers &&
    window.scope.names.join('\n') === scope.names.join('\n')
  );
}

/** Behind all edits a window that begins as it did before makes all that follow the same, only further on. */
function resumed(old: readonly DocumentWindow[], place: Place, edit: ByteEdit): DocumentWindow[] | null {
  if (place.first || place.start < edit.newEnd) return null;
  const bytes = edit.newEnd - edit.oldEnd;
  const from = old.findIndex((window) => window.start + bytes === place.start);
  if (from <= 0 || !samePlace(old[from]!, place)) return null;
  const lines = place.startLine - old[from]!.startLine;
  return old.slice(from).map((window) => ({
    ...window,
    start: window.start + bytes,
    startLine: window.startLine + lines,
    end: window.end + bytes,
    endLine: window.endLine + lines,
    chunks: window.chunks.map((chunk) => moved(chunk, bytes, lines)),
  }));
}

/** The chunks of a window, out of those of its earlier version and those that differ. */
function assemble(
  place: Place,
  earlier: DocumentWindow | undefined,
  { before, after, shift, chunks }: Omit<ChunkedWindow, 'version'>,
): DocumentChunk[] {
  const fresh = chunks.map(
    ({ signature: _signature, definitions: _definitions, terms: _terms, ...chunk }: IndexedChunk) => chunk,
  );
  if (earlier === undefined) return fresh;
  const bytes = place.start - earlier.start;
  const lines = place.startLine - earlier.startLine;
  const old = earlier.chunks;
  return [
    ...old.slice(0, before).map((chunk) => moved(chunk, bytes, lines)),
    ...fresh,
    ...old.slice(old.length - after).map((chunk) => moved(chunk, bytes + shift.bytes, lines + shift.lines)),
  ];
}

function moved(chunk: DocumentChunk, bytes: number, lines: number): DocumentChunk {
  if (bytes === 0 && lines === 0) return chunk;
  return {
    ...chunk,
    startByte: chunk.startByte + bytes,
    endByte: chunk.endByte + bytes,
    startLine: chunk.startLine + lines,
    endLine: chunk.endLine + lines,
  };
}

function editOf(before: Uint8Array, after: Uint8Array): ByteEdit {
  const shorter = Math.min(before.byteLength, after.byteLength);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let same = 0;
  while (
    same < shorter - start &&
    before[before.byteLength - 1 - same] === after[after.byteLength - 1 - same]
  )
    same++;
  return { start, oldEnd: before.byteLength - same, newEnd: after.byteLength - same };
}

function changeBetween(before: readonly DocumentWindow[], chunks: readonly DocumentChunk[]): DocumentChange {
  const old = new Map<string, DocumentChunk[]>();
  for (const { chunks } of before) {
    for (const chunk of chunks) {
      const equals = old.get(chunk.hash);
      if (equals === undefined) old.set(chunk.hash, [chunk]);
      else equals.push(chunk);
    }
  }
  const added = chunks.filter(({ hash }) => old.get(hash)?.pop() === undefined);
  return { chunks, added, removed: [...old.values()].flat() };
}

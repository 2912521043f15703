import { isAbsolute, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Chunk } from './chunk/chunk.ts';
import { forgetParsers } from './chunk/compiled-parsers.ts';
import { requireLanguage } from './chunk/languages.ts';
import type { ParserKind } from './chunk/parser-pool.ts';
import { createEmbedder, type TextEmbedderOptions } from './embed/create-embedder.ts';
import type { Dtype } from './embed/model-files.ts';
import { followIndex } from './embed/model-name.ts';
import type { TextEmbedder } from './embed/text-embedder.ts';
import { TidemarkError } from './errors.ts';
import { collectGarbage } from './memory/collect-garbage.ts';
import { parseSize } from './memory/size.ts';
import type { IndexEvent } from './pipeline/events.ts';
import { ModelCheck } from './pipeline/model-check.ts';
import { runUpdate } from './pipeline/update.ts';
import { type Verification, verifyIndex } from './pipeline/verify-index.ts';
import { TIDEMARK_VERSION } from './pipeline/versions.ts';
import { related, type SearchOptions, type SearchResult, search } from './search/search.ts';
import { ClosedError } from './store/errors.ts';
import { forgetConnections } from './store/lance.ts';
import type { Meta } from './store/meta.ts';
import { openStore } from './store/open.ts';
import { isRemote } from './store/place-at.ts';
import { removeIndex } from './store/remove.ts';
import type { Store } from './store/store.ts';
import { assertSafeRoot, resolveRoot } from './walk/root.ts';
import { TreeWatcher } from './walk/tree-watcher.ts';

export interface OpenOptions {
  /**
   * Where the index lies: a path, a `file:` URL, or `s3://`, `gs://` or `az://BUCKET/PREFIX`, with the credentials from the
   * environment; default `DIR/.tidemark`.
   */
  readonly index?: string;
  /** Memory for the whole process tree: bytes, or a size such as '512MB'. Default: a share of the machine. */
  readonly memory?: number | string;
  /** What parses: the chunks are the same. `native` is an optional dependency. Default `wasm`. */
  readonly parser?: ParserKind;
  /** Default `auto`. */
  readonly device?: 'auto' | 'cpu' | 'wasm' | 'webgpu';
  /**
   * An embedding model: a directory, `owner/name[@revision]` on the Hugging Face hub, the id of the bundled one, or the
   * address of a server such as `http://localhost:11434#nomic-embed-text`, whose key comes from TIDEMARK_API_KEY.
   * Default: that of the index where it comes from the hub, else the bundled one.
   */
  readonly model?: string;
  /** Of the model's weights. Default: what the device runs best of those that there are. */
  readonly dtype?: Dtype;
  /** Cut vectors to so many dimensions, where the model was trained for it. Default: all of them. */
  readonly dimensions?: number;
  /** Download no model: what is not in the cache is refused. */
  readonly offline?: boolean;
}

export interface UpdateOptions {
  /** False for the lexical lane alone. Default true. */
  readonly embed?: boolean;
  readonly signal?: AbortSignal;
  /** Allow a home directory or the root of a file system. */
  readonly force?: boolean;
  /** Count the files ahead, so that progress knows a total early. */
  readonly countAhead?: boolean;
}

/** A file of the index. */
export interface IndexedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly language: string | null;
  readonly chunks: number;
  /** `pending`: found by words; `embedded`: by meaning too; `skipped`: `reason` says why it is not indexed. */
  readonly state: 'pending' | 'embedded' | 'skipped';
  readonly reason: string | null;
}

/** A chunk as the index holds it. */
export interface StoredChunk extends Chunk {
  /** Relative to the indexed directory, with `/`. */
  readonly path: string;
}

const STORED = [
  'path',
  'startLine',
  'endLine',
  'startByte',
  'endByte',
  'language',
  'kind',
  'symbol',
  'scope',
  'text',
] as const;

export interface IndexStatus {
  readonly root: string;
  readonly index: string;
  readonly files: { readonly pending: number; readonly embedded: number; readonly skipped: number };
  readonly chunks: number;
  readonly vectors: number;
  /** Share of the chunks that can be found by meaning, 0 to 1. */
  readonly coverage: number;
  readonly sizeBytes: number;
  readonly model: { readonly id: string; readonly dtype: string; readonly dimensions: number } | null;
  readonly versions: { readonly tidemark: string; readonly index: string; readonly format: number };
  readonly createdAt: string;
}

interface Reader {
  readonly store: Store;
  /** Its tables when it was opened: an index that is built again has others. */
  readonly tablesUri: string;
}

/** After so long without a call an index gives back what memory it holds. */
const IDLE_MS = 60_000;
const BUSY_WAIT_MS = 1000;

/**
 * Opens the index of a directory; neither has to be made before `update`. The caller closes it (`await using`). Throws
 * `ERR_TIDEMARK_ROOT_MISSING` and its like for a directory that cannot be listed, `ERR_TIDEMARK_SIZE` for `memory`,
 * `ERR_TIDEMARK_INDEX_PLACE` for an `index` that is neither a path nor in an object store.
 */
export async function openIndex(dir: string, options: OpenOptions = {}): Promise<TidemarkIndex> {
  const root = await resolveRoot(dir);
  const memory = typeof options.memory === 'string' ? parseSize(options.memory) : options.memory;
  return new TidemarkIndex(root, options, memory);
}

/** Runs an update, and where another process is writing waits until it can. */
async function* whenFree(
  update: () => AsyncGenerator<IndexEvent, void, void>,
  wait: boolean,
  signal: AbortSignal,
): AsyncGenerator<IndexEvent, void, void> {
  for (;;) {
    try {
      return yield* update();
    } catch (error) {
      if (!wait || !(error instanceof TidemarkError) || error.code !== 'ERR_TIDEMARK_INDEX_BUSY') throw error;
      await sleep(BUSY_WAIT_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** Two letters at least before the colon: one is a drive of Windows. */
const URL_SCHEME = /^([a-z][a-z0-9+.-]+):\/\//i;

/** An absolute path, or the URI of an object store. */
function placeOf(index: string): string {
  const scheme = URL_SCHEME.exec(index)?.[1]?.toLowerCase();
  if (scheme === undefined && index !== '') return resolve(index);
  const refuse = (why: string, cause?: unknown) =>
    new TidemarkError('ERR_TIDEMARK_INDEX_PLACE', `--index ${index} ${why}`, { cause });
  if (index === '') throw refuse('is empty; give the path of a directory');
  if (isRemote(index)) {
    const path = index.replace(/\/+$/, '');
    if (/[?#\s]|\/\.{0,2}(?:\/|$)/.test(path.slice(scheme!.length + 3)))
      throw refuse('is no bucket and prefix; write it as s3://BUCKET/PREFIX');
    return path;
  }
  try {
    if (scheme === 'file') return fileURLToPath(index);
  } catch (cause) {
    throw refuse('is not a local file URL', cause);
  }
  throw refuse('is neither a directory nor an object store that is known: s3://, gs:// and az://');
}

/** @throws TidemarkError `ERR_TIDEMARK_LANGUAGE` */
function withKnownLanguage(options: SearchOptions): SearchOptions {
  const { language } = options;
  return language === undefined ? options : { ...options, language: requireLanguage(language).name };
}

/** The index of one directory. */
export class TidemarkIndex implements AsyncDisposable {
  readonly root: string;
  /** Absolute path of the index directory, or the URI of an object store. */
  readonly indexDir: string;
  readonly #options: OpenOptions;
  readonly #memoryBytes: number | undefined;
  #reader: Promise<Reader> | null = null;
  /** Of an index that was built anew meanwhile, for the calls that began with them. */
  readonly #retired: Store[] = [];
  readonly #modelCheck = new ModelCheck();
  #embedder: TextEmbedder | null = null;
  #embedderKey = '';
  #idle: NodeJS.Timeout | undefined;
  #calls = 0;
  #updates = 0;
  #closed = false;

  /** Use {@link openIndex}. */
  constructor(root: string, options: OpenOptions, memoryBytes: number | undefined) {
    this.root = root;
    this.indexDir = options.index === undefined ? join(root, '.tidemark') : placeOf(options.index);
    this.#options = options;
    this.#memoryBytes = memoryBytes;
  }

  /**
   * Builds the index or brings it up to date, and tells how it goes; the last event is `done` with the summary. It can be
   * left at any moment (`break`, the signal, a kill): the next call goes on from there. Throws
   * `ERR_TIDEMARK_INDEX_BUSY` where another process is writing, `ERR_TIDEMARK_BUDGET_TOO_SMALL`,
   * `ERR_TIDEMARK_MODEL_MISMATCH`, `ERR_TIDEMARK_NATIVE_PARSER`, `ERR_TIDEMARK_UNSAFE_ROOT`,
   * `ERR_TIDEMARK_DISK_FULL`, or the signal's reason.
   */
  async *update(options: UpdateOptions = {}): AsyncGenerator<IndexEvent, void, void> {
    this.#assertOpen();
    await assertSafeRoot(this.root, { force: options.force ?? false });
    const { model, dtype, dimensions, device, offline } = this.#options;
    this.#updates++;
    try {
      yield* runUpdate({
        root: this.root,
        indexDir: this.indexDir,
        outside: this.#outside,
        memoryBytes: this.#memoryBytes,
        parser: this.#options.parser ?? 'wasm',
        embed: options.embed ?? true,
        embedder: { model, dtype, dimensions, device, offline },
        modelCheck: this.#modelCheck,
        countAhead: options.countAhead ?? false,
        signal: options.signal ?? new AbortController().signal,
      });
    } finally {
      this.#updates--;
      this.#restLater();
    }
  }

  /**
   * Keeps the index current: brings it up to date, and again whenever something in the tree has changed, until the signal
   * is aborted. Each round ends with its `done`. What the walk leaves out by default (`node_modules`) is not watched. Throws
   * what {@link update} throws, but that a writer beside it is waited for after the first round; and
   * `ERR_TIDEMARK_UNWATCHABLE`.
   */
  async *watch(options: UpdateOptions = {}): AsyncGenerator<IndexEvent, void, void> {
    const signal = options.signal ?? new AbortController().signal;
    this.#assertOpen();
    await assertSafeRoot(this.root, { force: options.force ?? false });
    // Before the first round, so that what changes during it is seen.
    await using watcher = await TreeWatcher.start(this.root, isRemote(this.indexDir) ? [] : [this.indexDir]);
    for (let rounds = 0; ; rounds++) {
      if (rounds > 0) await watcher.changed(signal);
      yield* whenFree(() => this.update(options), rounds > 0, signal);
    }
  }

  /** Searches what is indexed so far. Throws `ERR_TIDEMARK_NO_INDEX`, `ERR_TIDEMARK_LANGUAGE`, `ERR_TIDEMARK_BAD_GLOB`. */
  async search(query: string, options: SearchOptions = {}): Promise<SearchResult> {
    const narrowed = withKnownLanguage(options);
    using _ = this.#call();
    const store = await this.#store({ embeds: options.mode !== 'lexical' && query.trim() !== '' });
    const { model } = store.meta();
    const embed = model === null ? null : (text: string) => this.#embedQuery(store, text);
    // Awaited here: the call lasts for so long.
    return await search(store, query, narrowed, embed);
  }

  /**
   * Searches for code like that at a line (from 1) of an indexed file, which is not among the hits itself. Throws what
   * {@link search} throws, and `ERR_TIDEMARK_NO_CHUNK` where the index has nothing there.
   */
  async related(path: string, line: number, options: SearchOptions = {}): Promise<SearchResult> {
    const narrowed = withKnownLanguage(options);
    using _ = this.#call();
    const store = await this.#store();
    return await related(store, { path, line }, narrowed);
  }

  /** Every file in the order of its path's bytes, in constant memory; skipped ones only if asked for. */
  async *files(options: { readonly skipped?: boolean } = {}): AsyncGenerator<IndexedFile, void, void> {
    using _ = this.#call();
    const store = await this.#store();
    for await (const { path, size, language, chunks, state, reason } of store.files()) {
      if (state === 'skipped' && options.skipped !== true) continue;
      yield { path, size, language, chunks, state, reason };
    }
  }

  /** Every chunk of the index, by the bytes of the path and in the order of the file, in constant memory. */
  async *chunks(): AsyncGenerator<StoredChunk, void, void> {
    using _ = this.#call();
    const store = await this.#store();
    for await (const batch of store.chunksInOrder(STORED)) {
      for (const {
        path,
        startLine,
        endLine,
        startByte,
        endByte,
        language,
        kind,
        symbol,
        scope,
        text,
      } of batch)
        yield { path, startLine, endLine, startByte, endByte, language, kind, symbol, scope, text };
    }
  }

  async status(): Promise<IndexStatus> {
    using _ = this.#call();
    const store = await this.#store();
    const meta = store.meta();
    const { files, vectors } = await store.counts();
    const chunks = files.pending.chunks + files.embedded.chunks;
    return {
      root: this.root,
      index: this.indexDir,
      files: { pending: files.pending.files, embedded: files.embedded.files, skipped: files.skipped.files },
      chunks,
      vectors,
      coverage: chunks === 0 ? 1 : files.embedded.chunks / chunks,
      sizeBytes: await store.sizeBytes(),
      model: meta.model,
      versions: { tidemark: TIDEMARK_VERSION, index: meta.tidemark, format: meta.format },
      createdAt: meta.createdAt,
    };
  }

  /**
   * Reads all that is in the index and compares it: rows of each file, content against its hash, vectors against chunks.
   * With `repair` it mends what it finds; what it takes out or sets back for that, the next {@link update} brings again.
   * Takes the writer's lock, where the index can be written. Throws `ERR_TIDEMARK_NO_INDEX`, `ERR_TIDEMARK_INDEX_BUSY`, and
   * `ERR_TIDEMARK_INDEX_CORRUPT` for a table that cannot be read at all.
   */
  async verify(options: { readonly repair?: boolean } = {}): Promise<Verification> {
    this.#assertOpen();
    const repair = options.repair ?? false;
    const place = {
      create: false,
      memoryBytes: this.#memoryBytes,
      ...(this.#outside ? { root: this.root } : {}),
    };
    const open = async () => {
      try {
        return await openStore(this.indexDir, { ...place, mode: 'write', recover: false });
      } catch (error) {
        // Where nobody can write, nobody writes meanwhile.
        const readOnly = error instanceof TidemarkError && error.code === 'ERR_TIDEMARK_READ_ONLY';
        if (repair || !readOnly) throw error;
        return openStore(this.indexDir, { ...place, mode: 'read' });
      }
    };
    await using store = await open();
    // Awaited here: the store is open for so long.
    return await verifyIndex(store, { repair });
  }

  /** Deletes the index, and nothing that is not tidemark's. Throws `ERR_TIDEMARK_NOT_AN_INDEX` and `_INDEX_BUSY`. */
  async clean(): Promise<void> {
    await this.#closeReader();
    await removeIndex(this.indexDir);
  }

  /** Frees everything; idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    const embedder = this.#embedder;
    this.#embedder = null;
    await embedder?.dispose();
    await this.#closeReader();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** An index in an object store is of no one path: other machines have the tree elsewhere. */
  get #outside(): boolean {
    if (isRemote(this.indexDir)) return false;
    const inside = relative(this.root, this.indexDir);
    return inside.startsWith('..') || isAbsolute(inside);
  }

  /** Lasts for one call from outside; a minute after the last one the index lets go of what it can get again. */
  #call(): Disposable {
    clearTimeout(this.#idle);
    this.#calls++;
    return {
      [Symbol.dispose]: () => {
        this.#calls--;
        this.#restLater();
      },
    };
  }

  /** Where nothing is under way. */
  #restLater(): void {
    if (this.#calls > 0 || this.#closed) return;
    void this.#closeRetired().catch(() => {});
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#rest().catch(() => {}), IDLE_MS);
    this.#idle.unref();
  }

  /** Gives memory back: the process that embeds queries, the tables, Lance's caches, the parsers' code. */
  async #rest(): Promise<void> {
    const embedder = this.#embedder;
    this.#embedder = null;
    // Both are taken out before anything is waited for: a call that comes meanwhile opens others.
    await Promise.all([embedder?.dispose(), this.#closeReader()]);
    // An update beside it works with the rest, and rests by itself when it ends.
    if (this.#calls > 0 || this.#updates > 0) return;
    forgetConnections();
    forgetParsers();
    await collectGarbage();
  }

  #assertOpen(): void {
    if (this.#closed) throw new ClosedError();
  }

  /**
   * One reader for all calls, opened anew where the index was removed and built again meanwhile. For a call that embeds
   * the model loads beside the tables.
   */
  async #store({ embeds = false } = {}): Promise<Store> {
    this.#assertOpen();
    const reader = this.#reader;
    if (reader !== null) {
      const { store, tablesUri } = await reader;
      await store.refreshMeta();
      if (store.tablesUri === tablesUri) return store;
      // Of calls side by side the first one to see it retires it, and all of them share what is opened next.
      if (this.#reader === reader) {
        this.#reader = null;
        this.#retired.push(store);
      }
    }
    this.#reader ??= this.#openReader(embeds);
    return (await this.#reader).store;
  }

  #openReader(embeds: boolean): Promise<Reader> {
    const opening = openStore(this.indexDir, {
      create: false,
      mode: 'read',
      memoryBytes: this.#memoryBytes,
      onMeta: ({ model }) => {
        // What fails here fails once more for the query, and is told there.
        if (embeds && model !== null) this.#startEmbedder(model).catch(() => {});
      },
      ...(this.#outside ? { root: this.root } : {}),
    }).then((store) => ({
      store,
      tablesUri: store.tablesUri,
    }));
    opening.catch(() => {
      if (this.#reader === opening) this.#reader = null;
    });
    return opening;
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader;
    this.#reader = null;
    const retired = this.#closeRetired();
    await (await reader?.catch(() => null))?.store.close();
    await retired;
  }

  async #closeRetired(): Promise<void> {
    for (const store of this.#retired.splice(0)) await store.close();
  }

  /** One for all queries, until the index has another model. */
  #embedderFor(options: TextEmbedderOptions): TextEmbedder {
    const key = JSON.stringify(options);
    if (this.#embedder !== null && key === this.#embedderKey) return this.#embedder;
    void this.#embedder?.dispose();
    this.#embedder = createEmbedder(options);
    this.#embedderKey = key;
    return this.#embedder;
  }

  async #startEmbedder(indexed: Meta['model']) {
    const { model, dtype, dimensions, device, offline } = this.#options;
    const use = await followIndex({ model, dtype, dimensions }, indexed);
    // Closed while it waited for the tables: no process may start any more.
    this.#assertOpen();
    const embedder = this.#embedderFor({ ...use, device, offline });
    return { embedder, info: await embedder.start() };
  }

  async #embedQuery(store: Store, query: string): Promise<Float32Array> {
    const { embedder, info } = await this.#startEmbedder(store.meta().model);
    // Two models' vectors do not compare, so a search with the wrong one is refused.
    store.assertModel({ id: info.id, dtype: info.dtype, dimensions: info.dimensions });
    const { vectors, failed } = await embedder.embed([query], { purpose: 'query' });
    if (failed.length > 0) {
      throw new TidemarkError(
        'ERR_TIDEMARK_QUERY',
        `the query cannot be embedded: ${failed[0]!.reason}; try --mode lexical`,
      );
    }
    return vectors;
  }
}

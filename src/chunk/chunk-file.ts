import { TidemarkError } from '../errors.ts';
import { type ByteSource, type FileSource, fileSource, iterableSource } from '../read/byte-source.ts';
import type { Chunk, IndexedChunk } from './chunk.ts';
import { chunkSource } from './chunk-source.ts';
import { requireLanguage } from './languages.ts';
import { type ParserKind, ParserPool } from './parser-pool.ts';

export interface ChunkOptions {
  /** Canonical name or alias of the language; by default the path and the first bytes tell. */
  readonly language?: string;
  /** Stands for the file's name where the input is a stream. */
  readonly path?: string;
  /** Largest chunk in estimated tokens; default 224. */
  readonly maxTokens?: number;
  /** Default `wasm`; `native` gives the same chunks, and throws `ERR_TIDEMARK_NATIVE_PARSER` where it is not installed. */
  readonly parser?: ParserKind;
  readonly signal?: AbortSignal;
}

export class FileError extends TidemarkError {}

/**
 * Chunks a file of any size, window by window. Memory does not depend on the file's size.
 *
 * Throws `ERR_TIDEMARK_FILE_MISSING`, `ERR_TIDEMARK_NOT_A_FILE`, `ERR_TIDEMARK_FILE_UNREADABLE` or
 * `ERR_TIDEMARK_LANGUAGE`. Leaving the loop early closes the file.
 */
export async function* chunkFile(path: string | Buffer, options: ChunkOptions = {}): AsyncGenerator<Chunk> {
  const source = await openFile(path);
  yield* chunks(source, { path: path.toString(), ...options }, source.info.size);
}

/**
 * Chunks bytes as they come, from any stream of buffers: a pipe, an HTTP body. The same bytes give the same chunks
 * however the stream cuts them.
 */
export async function* chunkStream(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ChunkOptions = {},
): AsyncGenerator<Chunk> {
  yield* chunks(iterableSource(stream), options, undefined);
}

async function openFile(path: string | Buffer): Promise<FileSource> {
  let source: FileSource;
  try {
    source = await fileSource(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new FileError('ERR_TIDEMARK_FILE_MISSING', `${path} does not exist; check the path`, { cause });
    }
    throw new FileError('ERR_TIDEMARK_FILE_UNREADABLE', `${path} cannot be read (${code})`, { cause });
  }
  const { info } = source;
  if (info.isFile() || info.isFIFO() || info.isCharacterDevice()) return source;
  await source[Symbol.asyncDispose]();
  const what = info.isDirectory() ? 'a directory' : 'not a file';
  throw new FileError('ERR_TIDEMARK_NOT_A_FILE', `${path} is ${what}; name a file`);
}

async function* chunks(
  source: ByteSource,
  options: ChunkOptions,
  size: number | undefined,
): AsyncGenerator<Chunk> {
  await using owned = source;
  const language = options.language === undefined ? undefined : requireLanguage(options.language);
  const shared = sharedPools[options.parser ?? 'wasm'];
  const pool = shared.acquire();
  try {
    const batches = chunkSource(owned, {
      pool,
      path: options.path ?? '',
      ...(language === undefined ? {} : { language: language.name }),
      ...(options.maxTokens === undefined ? {} : { maxTokens: options.maxTokens }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(size === undefined ? {} : { sizeHint: size }),
    });
    for await (const batch of batches) {
      for (const chunk of batch) yield publicChunk(chunk);
    }
  } finally {
    shared.release();
  }
}

/** Without what only an index has. */
function publicChunk(chunk: IndexedChunk): Chunk {
  const { startLine, endLine, startByte, endByte, language, kind, symbol, scope, text } = chunk;
  return { startLine, endLine, startByte, endByte, language, kind, symbol, scope, text };
}

/** A parser takes some time to start, so it stays for a moment after the last file. */
const LINGER_MS = 1000;

/** One pool for all calls. */
class SharedPool {
  readonly #parser: ParserKind;
  #pool: ParserPool | undefined;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parser: ParserKind) {
    this.#parser = parser;
  }

  acquire(): ParserPool {
    clearTimeout(this.#timer);
    this.#users++;
    this.#pool ??= new ParserPool({ workers: 2, parser: this.#parser });
    return this.#pool;
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#timer = setTimeout(() => {
      const pool = this.#pool;
      this.#pool = undefined;
      void pool?.[Symbol.asyncDispose]();
    }, LINGER_MS);
    this.#timer.unref();
  }
}

const sharedPools = { wasm: new SharedPool('wasm'), native: new SharedPool('native') };

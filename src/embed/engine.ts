import { type Backend, type BackendSession, openBackend } from './backend.ts';
import { bundledDtype, ensureBundledModel, removeCorruptFiles } from './bundled-model.ts';
import { DimensionsError, ModelInvalidError, messageOf } from './errors.ts';
import type { ModelFiles, ModelRequest } from './model-files.ts';
import { Pooler } from './pooling.ts';
import type { EmbedRequest, LoadedModel, SliceResult } from './protocol.ts';
import { TextTokenizer } from './text-tokenizer.ts';

/** A model in this process: texts in, unit vectors out. Whoever loads it disposes it. */
export class Engine {
  readonly model: LoadedModel;
  readonly #files: ModelFiles;
  readonly #tokenizer: TextTokenizer;
  readonly #session: BackendSession;
  /** Dimensions of a hidden state. */
  readonly #size: number;

  private constructor(
    model: LoadedModel,
    files: ModelFiles,
    tokenizer: TextTokenizer,
    session: BackendSession,
    size: number,
  ) {
    this.model = model;
    this.#files = files;
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.#size = size;
  }

  /**
   * @throws ModelNotFoundError, ModelInvalidError, ModelIntegrityError, ModelCacheError, DimensionsError, DeviceError
   */
  static async load(request: ModelRequest): Promise<Engine> {
    const backend = await openBackend(request.device);
    const { cacheRoot, dimensions } = request;
    if (request.files !== null) return Engine.#open(request.files, backend, dimensions, false);
    const dtype = bundledDtype(request.dtype);
    const { files, converted } = await ensureBundledModel({ cacheRoot, dtype });
    try {
      return await Engine.#open(files, backend, dimensions, converted);
    } catch (error) {
      if (!(await removeCorruptFiles(files, dtype))) throw error;
      await ensureBundledModel({ cacheRoot, dtype });
      return Engine.#open(files, backend, dimensions, true);
    }
  }

  static async #open(
    files: ModelFiles,
    backend: Backend,
    wanted: number | null,
    converted: boolean,
  ): Promise<Engine> {
    const tokenizer = await TextTokenizer.load(files);
    let session: BackendSession | undefined;
    try {
      session = await backend.open(files.onnxPath);
      const size = await probe(session, tokenizer);
      const dimensions = cutTo(wanted, size, files);
      const { id, dtype, maxTokens, chunkTokens } = files;
      const info = { id, dtype, device: backend.device, dimensions, maxTokens, chunkTokens };
      return new Engine({ info, converted }, files, tokenizer, session, size);
    } catch (cause) {
      await session?.release();
      if (cause instanceof DimensionsError) throw cause;
      throw new ModelInvalidError(
        `${files.onnxPath} does not load or does not fit its tokenizer (${messageOf(cause)}). Get the model again.`,
        { cause },
      );
    }
  }

  get liveTensors(): number {
    return this.#session.liveTensors;
  }

  /** One text at a time: with q8 a vector would otherwise depend on its neighbours in the batch. */
  async embed({ texts, purpose }: EmbedRequest): Promise<SliceResult> {
    const { dimensions } = this.model.info;
    const { center, pooling, prompts } = this.#files;
    const vectors = new Float32Array(texts.length * dimensions);
    const pieces = new Uint32Array(texts.length);
    const failed: { index: number; reason: string }[] = [];
    let tokens = 0;
    for (const [index, text] of texts.entries()) {
      const row = vectors.subarray(index * dimensions, (index + 1) * dimensions);
      try {
        const sequences = this.#tokenizer.encode(text, prompts[purpose]);
        const pooler = new Pooler(pooling, this.#size);
        for (const sequence of sequences) {
          await this.#session.run([sequence], (_, hidden) => pooler.add(hidden, sequence.length));
          tokens += sequence.length;
        }
        pooler.finish(row, center);
        pieces[index] = sequences.length;
      } catch (error) {
        row.fill(Number.NaN);
        failed.push({ index, reason: messageOf(error) });
      }
    }
    return { vectors, failed, tokens, pieces };
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * Runs the highest token id through the model: gives the dimensions, and fails where the tokenizer has more ids than
 * the model knows.
 */
async function probe(session: BackendSession, tokenizer: TextTokenizer): Promise<number> {
  let found = 0;
  await session.run([tokenizer.wrap([tokenizer.highestId()])], (_, __, dimensions) => {
    found = dimensions;
  });
  return found;
}

/** @throws DimensionsError where the model was not trained for vectors of that many dimensions */
function cutTo(wanted: number | null, size: number, { id, matryoshka }: ModelFiles): number {
  if (wanted === null || wanted === size) return size;
  const allowed = matryoshka.filter((dimensions) => dimensions < size);
  if (allowed.includes(wanted)) return wanted;
  throw new DimensionsError(
    allowed.length === 0
      ? `The vectors of ${id} have ${size} dimensions and cannot be cut to ${wanted}: it was not trained for that.`
      : `The vectors of ${id} have ${size} dimensions, or cut ${allowed.join(', ')}; not ${wanted}.`,
  );
}

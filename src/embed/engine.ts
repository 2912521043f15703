import { type Backend, type BackendSession, openBackend } from './backend.ts';
import { ensureBundledModel, removeCorruptFiles } from './bundled-model.ts';
import { ModelInvalidError, messageOf } from './errors.ts';
import { findLocalModel } from './local-model.ts';
import type { ModelFiles, ModelRequest } from './model-files.ts';
import { Pooler } from './pooling.ts';
import type { LoadedModel, SliceResult } from './protocol.ts';
import { TextTokenizer } from './text-tokenizer.ts';

/** A model in this process: texts in, unit vectors out. Whoever loads it disposes it. */
export class Engine {
  readonly model: LoadedModel;
  readonly #files: ModelFiles;
  readonly #tokenizer: TextTokenizer;
  readonly #session: BackendSession;

  private constructor(
    model: LoadedModel,
    files: ModelFiles,
    tokenizer: TextTokenizer,
    session: BackendSession,
  ) {
    this.model = model;
    this.#files = files;
    this.#tokenizer = tokenizer;
    this.#session = session;
  }

  /** @throws ModelNotFoundError, ModelInvalidError, ModelIntegrityError, ModelCacheError, DeviceError */
  static async load(request: ModelRequest): Promise<Engine> {
    const backend = await openBackend(request.device);
    if (request.model !== null) {
      return Engine.#open(await findLocalModel(request.model, request.dtype), backend, false);
    }
    const options = { cacheRoot: request.cacheRoot, dtype: request.dtype ?? 'q8' };
    const { files, converted } = await ensureBundledModel(options);
    try {
      return await Engine.#open(files, backend, converted);
    } catch (error) {
      if (!(await removeCorruptFiles(files))) throw error;
      await ensureBundledModel(options);
      return Engine.#open(files, backend, true);
    }
  }

  static async #open(files: ModelFiles, backend: Backend, converted: boolean): Promise<Engine> {
    const tokenizer = await TextTokenizer.load(files);
    let session: BackendSession | undefined;
    try {
      session = await backend.open(files.onnxPath);
      const dimensions = await probe(session, tokenizer);
      const { id, dtype, maxTokens, chunkTokens } = files;
      const info = { id, dtype, device: backend.device, dimensions, maxTokens, chunkTokens };
      return new Engine({ info, converted }, files, tokenizer, session);
    } catch (cause) {
      await session?.release();
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
  async embed(texts: readonly string[]): Promise<SliceResult> {
    const { dimensions } = this.model.info;
    const vectors = new Float32Array(texts.length * dimensions);
    const pieces = new Uint32Array(texts.length);
    const failed: { index: number; reason: string }[] = [];
    let tokens = 0;
    for (const [index, text] of texts.entries()) {
      const row = vectors.subarray(index * dimensions, (index + 1) * dimensions);
      try {
        const sequences = this.#tokenizer.encode(text);
        const pooler = new Pooler(this.#files.pooling, dimensions);
        for (const sequence of sequences) {
          await this.#session.run([sequence], (_, hidden) => pooler.add(hidden, sequence.length));
          tokens += sequence.length;
        }
        pooler.finish(row);
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

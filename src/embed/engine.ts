import { type Backend, type BackendSession, openBackend } from './backend.ts';
import { planBatches } from './batches.ts';
import { bundledDtype, cachedState, ensureBundledModel, repairBundledModel } from './bundled-model.ts';
import { type Encoder, inlineEncoder } from './encoder.ts';
import { DeviceError, DimensionsError, ModelInvalidError, messageOf } from './errors.ts';
import type { ModelFiles, ModelRequest } from './model-files.ts';
import { Pooler } from './pooling.ts';
import type { EmbedRequest, LoadedModel, SliceResult } from './protocol.ts';
import { TextTokenizer } from './text-tokenizer.ts';
import { ThreadEncoder } from './thread-encoder.ts';

/** Texts that a device which takes many at a time gets together, longest first. */
const GROUP_TEXTS = 128;
/** More than 8 bits make of 32: kernels and devices of the same weights differ by less. */
const PROBE_TOLERANCE = 0.08;

/** The model runs, and gives other states than its weights do: they are damaged, or the device computes wrongly. */
class WrongStateError extends Error {}

/** A model in this process: texts in, unit vectors out. Whoever loads it disposes it. */
export class Engine {
  readonly model: LoadedModel;
  readonly #files: ModelFiles;
  readonly #tokenizer: TextTokenizer;
  readonly #encoder: Encoder;
  readonly #backend: Backend;
  readonly #session: BackendSession;
  /** Opened when the device could not run a sequence. */
  #cpu: BackendSession | null = null;
  /** Dimensions of a hidden state. */
  readonly #size: number;

  private constructor(
    model: LoadedModel,
    files: ModelFiles,
    tokenizer: TextTokenizer,
    backend: Backend,
    session: BackendSession,
    size: number,
  ) {
    this.model = model;
    this.#files = files;
    this.#tokenizer = tokenizer;
    this.#encoder = backend.batch === null ? inlineEncoder(tokenizer) : new ThreadEncoder(files);
    this.#backend = backend;
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
    const dtype = bundledDtype(request.dtype, request.device);
    const bundled = { cacheRoot, dtype };
    const { files, converted } = await ensureBundledModel(bundled);
    const state = await cachedState(bundled);
    try {
      return await Engine.#open(files, backend, dimensions, converted);
    } catch (error) {
      // By this process, or by another one since.
      const repaired = (await repairBundledModel(bundled)) || (await cachedState(bundled)) !== state;
      if (!repaired) throw notItsFiles(error, backend);
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
      if (!backend.checksIds) await checkIds(files, tokenizer);
      session = await backend.open(files.onnxPath).catch((error: unknown) => {
        // The CPU has just run it: it is the device that cannot.
        throw backend.checksIds ? error : deviceError(backend, error);
      });
      const state = await probe(session, tokenizer).catch((error: unknown) => {
        throw backend.checksIds ? error : deviceError(backend, error);
      });
      const size = state.length;
      if (files.probe?.some((value, i) => !(Math.abs(value - state[i]!) < PROBE_TOLERANCE)))
        throw new WrongStateError('its weights are damaged');
      const dimensions = cutTo(wanted, size, files);
      const { id, dtype, maxTokens, chunkTokens } = files;
      const info = { id, dtype, device: backend.device, dimensions, maxTokens, chunkTokens };
      return new Engine({ info, converted }, files, tokenizer, backend, session, size);
    } catch (cause) {
      await session?.release();
      if (cause instanceof DimensionsError || cause instanceof DeviceError) throw cause;
      throw new ModelInvalidError(
        `${files.onnxPath} does not load or does not fit its tokenizer (${messageOf(cause)}). Get the model again.`,
        { cause },
      );
    }
  }

  get liveTensors(): number {
    return this.#session.liveTensors + (this.#cpu?.liveTensors ?? 0);
  }

  async embed({ texts, purpose }: EmbedRequest): Promise<SliceResult> {
    const { dimensions } = this.model.info;
    const { center, pooling, prompts } = this.#files;
    const vectors = new Float32Array(texts.length * dimensions);
    const pieces = new Uint32Array(texts.length);
    const reasons = new Map<number, string>();
    const poolers = texts.map(() => new Pooler(pooling, this.#size));
    const lengths = new Uint32Array(texts.length);
    let onCpu = 0;
    let notRun = 0;
    let broken: string | null = null;
    const limits = this.#backend.batch;
    const groupSize = limits === null ? texts.length : GROUP_TEXTS;
    const encode = (from: number) =>
      from < texts.length
        ? this.#encoder.encode(texts.slice(from, from + groupSize), prompts[purpose])
        : Promise.resolve([]);
    let next = encode(0);
    for (let from = 0; from < texts.length; from += groupSize) {
      const group = await next;
      // The device runs this group meanwhile.
      next = encode(from + groupSize);
      next.catch(() => {});
      const sequences: Sequence[] = [];
      for (const [i, encoded] of group.entries()) {
        const text = from + i;
        if ('error' in encoded) {
          reasons.set(text, encoded.error);
          continue;
        }
        for (const ids of encoded) {
          sequences.push({ text, ids });
          lengths[text]! += ids.length;
        }
        pieces[text] = encoded.length;
      }
      const batches =
        limits === null
          ? sequences.map((sequence) => [sequence])
          : planBatches(sequences, limits, this.#size);
      for (const batch of batches) {
        for (const { sequence, error } of await this.#run(batch, poolers)) {
          if (error === null) {
            onCpu++;
          } else {
            notRun++;
            broken = error;
            reasons.set(sequence.text, error);
          }
        }
      }
    }
    if (onCpu > 0) broken ??= await this.#deviceError();
    for (const [text, pooler] of poolers.entries()) {
      const row = vectors.subarray(text * dimensions, (text + 1) * dimensions);
      try {
        if (!reasons.has(text)) pooler.finish(row, center);
      } catch (error) {
        reasons.set(text, messageOf(error));
      }
      if (!reasons.has(text)) continue;
      row.fill(Number.NaN);
      pieces[text] = 0;
      lengths[text] = 0;
    }
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    const failed = [...reasons].sort(([a], [b]) => a - b).map(([index, reason]) => ({ index, reason }));
    return { vectors, failed, tokens, onCpu, notRun, broken, pieces };
  }

  async dispose(): Promise<void> {
    await this.#encoder[Symbol.asyncDispose]();
    await this.#cpu?.release();
    await this.#session.release();
  }

  /**
   * Halves a batch that the device cannot run; a single sequence goes to the CPU. Gives those that the device did not
   * run, with the error where the CPU could not either.
   */
  async #run(batch: readonly Sequence[], poolers: readonly Pooler[]): Promise<NotOnDevice[]> {
    const run = (session: BackendSession) =>
      session.run(
        batch.map(({ ids }) => ids),
        (index, hidden) => {
          const { text, ids } = batch[index]!;
          poolers[text]!.add(hidden, ids.length);
        },
      );
    try {
      await run(this.#session);
      return [];
    } catch (error) {
      if (batch.length > 1) {
        const half = batch.length >> 1;
        const first = await this.#run(batch.slice(0, half), poolers);
        return [...first, ...(await this.#run(batch.slice(half), poolers))];
      }
      const sequence = batch[0]!;
      try {
        if (this.#backend.device === 'cpu') throw error;
        this.#cpu ??= await (await openBackend('cpu')).open(this.#files.onnxPath);
        await run(this.#cpu);
        return [{ sequence, error: null }];
      } catch {
        return [{ sequence, error: messageOf(error) }];
      }
    }
  }

  /** What the device says when it is to run next to nothing; null where it does. A GPU that is lost does not come back. */
  async #deviceError(): Promise<string | null> {
    return probe(this.#session, this.#tokenizer).then(() => null, messageOf);
  }
}

interface NotOnDevice {
  readonly sequence: Sequence;
  /** Null where the CPU ran it. */
  readonly error: string | null;
}

/** Of a model whose files are as they should be. */
function notItsFiles(error: unknown, { device }: Backend): unknown {
  const { cause } = error as Error;
  if (!(cause instanceof WrongStateError)) return error;
  return new DeviceError(`The model gives wrong results on ${device}. Use another --device.`, { cause });
}

function deviceError({ device }: Backend, cause: unknown): DeviceError {
  return new DeviceError(
    `The model does not run on ${device} (${messageOf(cause).split('\n', 1)[0]}). Use --device cpu.`,
    { cause },
  );
}

/** A text, or a part of one that is too long, in token ids. */
interface Sequence {
  /** Which text it belongs to. */
  readonly text: number;
  readonly ids: readonly number[];
}

/** For a device on which a tokenizer with more ids than the model knows would give garbage: the CPU tells. */
async function checkIds(files: ModelFiles, tokenizer: TextTokenizer): Promise<void> {
  const session = await (await openBackend('cpu')).open(files.onnxPath);
  try {
    await probe(session, tokenizer);
  } finally {
    await session.release();
  }
}

/**
 * Runs the highest token id through the model: gives the first token's hidden state, and fails where the tokenizer has
 * more ids than the model knows.
 */
async function probe(session: BackendSession, tokenizer: TextTokenizer): Promise<Float32Array> {
  let state = new Float32Array(0);
  await session.run([tokenizer.wrap([tokenizer.highestId()])], (_, hidden, dimensions) => {
    state = hidden.slice(0, dimensions);
  });
  return state;
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

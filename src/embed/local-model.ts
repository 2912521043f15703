import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { ModelNotFoundError } from './errors.ts';
import { fileSize } from './model-cache.ts';
import type { Dtype, ModelFiles } from './model-files.ts';
import { readModelSettings } from './model-settings.ts';
import { externalDataOf, type OnnxVariant, onnxVariants } from './onnx-variants.ts';
import { sha256, sha256File } from './sha256.ts';

/**
 * Finds the files of a model in a directory of the layout that the Hugging Face hub uses. The id holds a hash of the
 * files and settings, so that an index knows when they change.
 * @throws ModelNotFoundError when the directory or a file is not there
 * @throws ModelInvalidError when a file of it cannot be used
 */
export async function findLocalModel(path: string, dtype: Dtype | null, device: string): Promise<ModelFiles> {
  const directory = resolve(path);
  const files = await describeModel(directory, basename(directory), dtype, device);
  const { maxTokens, pooling, prompts } = files;
  const settings = JSON.stringify([await sha256File(files.tokenizerPath), maxTokens, pooling, prompts]);
  const fingerprint = [await hashWeights(files.onnxPath), sha256(settings)];
  return { ...files, id: `local/${files.id}@${fingerprint.map((hash) => hash.slice(0, 8)).join('-')}` };
}

/**
 * The model in `directory`, under the id that is given. With no dtype, the one that the device runs best of those there.
 * @throws as {@link findLocalModel}
 */
export async function describeModel(
  directory: string,
  id: string,
  dtype: Dtype | null,
  device: string,
): Promise<ModelFiles> {
  const tokenizerPath = join(directory, 'tokenizer.json');
  if ((await fileSize(tokenizerPath)) < 0) {
    throw new ModelNotFoundError(
      `There is no model in ${directory} (no tokenizer.json). Give the path of a local directory with tokenizer.json and model.onnx, or an id of the hub, owner/name.`,
    );
  }
  const onnx = await findOnnx(directory, onnxVariants(dtype, device));
  const settings = await readModelSettings(directory, id.split('@', 1)[0]!);
  const tokenizerConfigPath = join(directory, 'tokenizer_config.json');
  return {
    ...settings,
    id,
    dtype: onnx.dtype,
    directory,
    onnxPath: join(directory, onnx.path),
    tokenizerPath,
    tokenizerConfigPath: (await fileSize(tokenizerConfigPath)) < 0 ? null : tokenizerConfigPath,
  };
}

async function findOnnx(directory: string, variants: readonly OnnxVariant[]): Promise<OnnxVariant> {
  for (const variant of variants) {
    if ((await fileSize(join(directory, variant.path))) >= 0) return variant;
  }
  const wanted = variants.map(({ path }) => path).join(', ');
  throw new ModelNotFoundError(
    `The model directory ${directory} has none of ${wanted}. Put the ONNX file there.`,
  );
}

async function hashWeights(onnxPath: string): Promise<string> {
  const graph = await sha256File(onnxPath);
  const beside = await externalDataOf(onnxPath);
  if (beside.length === 0) return graph;
  const hash = createHash('sha256').update(graph);
  for (const path of beside) hash.update(await sha256File(path));
  return hash.digest('hex');
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelInvalidError } from './errors.ts';
import { type KnownModel, knownModel } from './known-models.ts';
import { fileSize } from './model-cache.ts';
import type { ModelSettings, Pooling, Purpose } from './model-files.ts';

type Json = Readonly<Record<string, unknown>>;

/** The files that settings are read from, apart from the tokenizer. */
export const SETTINGS_FILES = [
  'config.json',
  'config_sentence_transformers.json',
  'modules.json',
  'sentence_bert_config.json',
  'tokenizer_config.json',
  '1_Pooling/config.json',
] as const;

/** Attention takes memory by the square of the length, so no model is given more, whatever it could take. */
const LONGEST_SEQUENCE = 512;
/** Of these the position table begins at 2. */
const ROBERTA = /^(?:roberta|xlm-roberta|camembert|mpnet)$/;
const POOLINGS: Record<string, Pooling> = {
  mean_tokens: 'mean',
  cls_token: 'cls',
  lasttoken: 'last',
  mean: 'mean',
  cls: 'cls',
};
/** The parts of a sentence-transformers model that are done here, or in the ONNX file. */
const MODULES = /\.(?:Transformer|Pooling|Normalize)$/;
const PROMPT_NAMES: Record<Purpose, readonly string[]> = {
  query: ['query', 's2p_query'],
  document: ['document', 'passage', 'corpus'],
};

/**
 * Reads what a model says about itself, in the files that sentence-transformers writes, and falls back to the table of
 * known models by its name.
 * @throws ModelInvalidError when a file cannot be read or asks for what is not done here
 */
export async function readModelSettings(directory: string, name: string): Promise<ModelSettings> {
  const read = (path: (typeof SETTINGS_FILES)[number]) => readJson(join(directory, path));
  const config = await read('config.json');
  const trained = await read('sentence_bert_config.json');
  const sentence = await read('config_sentence_transformers.json');
  const original = config?._name_or_path;
  const known = { ...(typeof original === 'string' ? knownModel(original) : {}), ...knownModel(name) };
  assertModules(await read('modules.json'), directory);
  const tokenizer = await read('tokenizer_config.json');
  const offset = ROBERTA.test(String(config?.model_type)) ? 2 : 0;
  const positions = config?.max_position_embeddings ?? config?.n_positions;
  const maxTokens = shortest(
    LONGEST_SEQUENCE,
    typeof positions === 'number' ? positions - offset : undefined,
    tokenizer?.model_max_length,
  );
  return {
    maxTokens,
    chunkTokens: shortest(maxTokens, trained?.max_seq_length),
    pooling: poolingOf(await read('1_Pooling/config.json'), known, directory),
    prompts: {
      query: promptOf(sentence, 'query') || (known.prompts?.query ?? ''),
      document: promptOf(sentence, 'document') || (known.prompts?.document ?? ''),
    },
    matryoshka: dimensionsOf(config) ?? dimensionsOf(sentence) ?? known.matryoshka ?? [],
    center: known.center ?? false,
  };
}

function shortest(limit: number, ...candidates: unknown[]): number {
  const lengths = candidates.filter((value) => Number.isInteger(value) && (value as number) > 2);
  return Math.min(limit, ...(lengths as number[]));
}

/** Older files have a switch for each way of pooling, newer ones a name. */
function poolingOf(config: Json | null, known: KnownModel, directory: string): Pooling {
  if (!config) return known.pooling ?? 'mean';
  const modes =
    typeof config.pooling_mode === 'string'
      ? [config.pooling_mode]
      : Object.keys(config)
          .filter((key) => key.startsWith('pooling_mode_') && config[key] === true)
          .map((key) => key.slice('pooling_mode_'.length));
  const pooling = modes.length === 1 ? POOLINGS[modes[0]!] : undefined;
  if (pooling !== undefined) return pooling;
  throw new ModelInvalidError(
    `The model in ${directory} pools by ${modes.join(' + ') || 'nothing known'}; only mean, cls and last-token pooling work. Use another model.`,
  );
}

/** Without a prompt of that name, the one that the model puts in front of everything. */
function promptOf(config: Json | null, purpose: Purpose): string {
  const prompts = objectOf(config?.prompts);
  const fallback = config?.default_prompt_name;
  const names = [...PROMPT_NAMES[purpose], ...(typeof fallback === 'string' ? [fallback] : [])];
  const found = names.map((name) => prompts?.[name]).find((prompt) => typeof prompt === 'string');
  return (found as string | undefined) ?? '';
}

function dimensionsOf(config: Json | null): readonly number[] | null {
  const list = config?.matryoshka_dimensions ?? config?.matryoshka_dims;
  if (!Array.isArray(list)) return null;
  return list.filter((value) => Number.isInteger(value) && value > 0);
}

/** A model may end in layers that its ONNX file does not hold; without them its vectors would be wrong. */
function assertModules(modules: Json | null, directory: string): void {
  for (const module of Object.values(modules ?? {})) {
    const type = String(objectOf(module)?.type);
    if (MODULES.test(type)) continue;
    throw new ModelInvalidError(
      `The model in ${directory} has the module ${type}, which is not supported. Use another model.`,
    );
  }
}

function objectOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null ? (value as Json) : null;
}

/** Null when there is no such file. */
async function readJson(path: string): Promise<Json | null> {
  if ((await fileSize(path)) < 0) return null;
  try {
    const value = objectOf(JSON.parse(await readFile(path, 'utf8')));
    if (value) return value;
  } catch (cause) {
    throw new ModelInvalidError(`${path} cannot be read as JSON. Get the model again.`, { cause });
  }
  throw new ModelInvalidError(`${path} does not hold a JSON object. Get the model again.`);
}

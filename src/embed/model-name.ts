import { stat } from 'node:fs/promises';
import { BUNDLED_IDENTITY, BUNDLED_MODEL_ID } from './bundled-model.ts';
import { ModelNotFoundError } from './errors.ts';
import { knownModel } from './known-models.ts';
import type { Dtype } from './model-files.ts';

/** What `--model` says. */
export type ModelName =
  | { readonly kind: 'bundled' }
  | { readonly kind: 'local'; readonly path: string }
  /** `revision` is a branch, a tag or a commit; null for the default branch. */
  | { readonly kind: 'hub'; readonly id: string; readonly revision: string | null };

/** The model of an index, and how it is used. */
export interface ModelUse {
  readonly model?: string | undefined;
  readonly dtype?: Dtype | undefined;
  readonly dimensions?: number | undefined;
}

const HUB_ID = /^([A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95})(?:@([\w.-]+(?:\/[\w.-]+)*))?$/;
const COMMIT = /^[0-9a-f]{40}$/;

export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/**
 * What exists as a directory is a path, whatever it looks like; `owner/name[@revision]` is an id of the hub.
 * @throws ModelNotFoundError when it is neither
 */
export async function parseModelName(model: string | null | undefined): Promise<ModelName> {
  if (model === null || model === undefined || model === BUNDLED_MODEL_ID) return { kind: 'bundled' };
  const stats = await stat(model).catch(() => null);
  if (stats?.isDirectory()) return { kind: 'local', path: model };
  const [, id, revision = null] = HUB_ID.exec(model) ?? [];
  if (stats === null && id !== undefined && !`${id}/${revision}`.includes('..')) {
    return { kind: 'hub', id, revision };
  }
  const problem =
    stats === null ? 'is no directory here and no id of the hub' : 'is a file and not a directory';
  throw new ModelNotFoundError(
    `The model ${model} ${problem}. Give the directory of a model, or owner/name as on huggingface.co.`,
  );
}

/**
 * An index goes on with the model that it was made with, one of the hub to the commit, unless another one or a
 * revision is asked for: a branch that moves on would make its vectors useless. The directory of a local model and the
 * address of a server are not known from the index.
 */
export async function followIndex(
  use: ModelUse,
  indexed: { readonly id: string; readonly dtype: string; readonly dimensions: number } | null,
): Promise<ModelUse> {
  if (indexed === null) return use;
  const dtype = indexed.dtype as Dtype;
  const [id = '', commit = ''] = indexed.id.split('@');
  if (id === BUNDLED_MODEL_ID && (use.model ?? id) === id && dtype !== BUNDLED_IDENTITY.dtype) {
    return { ...use, dtype: use.dtype ?? dtype };
  }
  if (!HUB_ID.test(id) || !isCommit(commit)) return use;
  if (use.model !== undefined) {
    // What is no name at all is told to whoever uses it.
    const name = await parseModelName(use.model).catch(() => null);
    if (name?.kind !== 'hub' || name.revision !== null) return use;
    if (name.id !== id && knownModel(name.id).conversion !== id) return use;
  }
  return { model: indexed.id, dtype, dimensions: indexed.dimensions, ...given(use) };
}

function given({ dtype, dimensions }: ModelUse): ModelUse {
  return { ...(dtype === undefined ? {} : { dtype }), ...(dimensions === undefined ? {} : { dimensions }) };
}

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelNotFoundError } from './errors.ts';
import { corruptFiles, findShared, HubCache, missingFiles } from './hub-cache.ts';
import { HubClient, type HubTiming } from './hub-client.ts';
import { hubError } from './hub-errors.ts';
import { type DownloadEvent, fetchFiles, fetchListing, type HubJob } from './hub-fetch.ts';
import { chooseFiles, hasWeights } from './hub-listing.ts';
import { isTransient } from './hub-retry.ts';
import { type HubSettings, readHubSettings } from './hub-settings.ts';
import { knownModel } from './known-models.ts';
import { describeModel } from './local-model.ts';
import type { ModelChoice, ModelFiles } from './model-files.ts';
import { isCommit, parseModelName } from './model-name.ts';

export interface HubOptions {
  readonly signal: AbortSignal;
  readonly emit: (event: DownloadEvent) => void;
  /** From the environment when left out. */
  readonly settings?: HubSettings | undefined;
  readonly timing?: HubTiming | undefined;
}

type Choice = Omit<ModelChoice, 'model'>;

const DEFAULT_REVISION = 'main';

/**
 * Makes sure that a model of the hub lies in the cache and says where; without a network if it is there and the
 * revision is a commit. Where the hub cannot be reached, what a branch was when it was last looked up will do.
 * @throws ModelNotFoundError, ModelDownloadError, ModelIntegrityError, ModelInvalidError, ModelCacheError; the signal's
 *   reason
 */
export async function ensureHubModel(
  id: string,
  revision: string | null,
  choice: Choice,
  options: HubOptions,
): Promise<ModelFiles> {
  const settings = options.settings ?? (await readHubSettings());
  const wanted = revision ?? DEFAULT_REVISION;
  const cache = new HubCache(choice.cacheRoot, id);
  const cached = await findCached(cache, id, wanted, choice);
  if (cached !== null && isCommit(wanted)) return cached;
  const { conversion } = revision === null ? knownModel(id) : {};
  const other =
    conversion === undefined || conversion === id
      ? null
      : () => ensureHubModel(conversion, null, choice, { ...options, settings });
  if (choice.offline || settings.offline) {
    return cached ?? (await findOtherwise(settings, id, wanted, choice)) ?? (await (other ?? absent(id))());
  }
  const { signal, emit, timing } = options;
  await using client = await HubClient.open(settings, timing);
  try {
    const job: HubJob = { client, id, signal, emit };
    const listing = await fetchListing(job, wanted);
    if (other !== null && !hasWeights(listing)) return await other();
    const files = chooseFiles(listing, id, choice.dtype, choice.device);
    const shared = await findShared(settings.sharedCache, id, listing.commit);
    if (shared !== null && (await missingFiles(shared.directory, files)).length === 0) {
      return await describe(shared.directory, id, listing.commit, choice);
    }
    await cache.remember(wanted, listing);
    await fetchFiles(job, cache, listing.commit, files);
    return await describe(cache.snapshot(listing.commit), id, listing.commit, choice);
  } catch (error) {
    signal.throwIfAborted();
    if (cached !== null && isTransient(error)) return cached;
    throw hubError(error, id, wanted, settings);
  }
}

/** As {@link ensureHubModel}, for `owner/name[@revision]`. */
export async function fetchHubModel(
  choice: ModelChoice,
  emit: (event: DownloadEvent) => void,
): Promise<ModelFiles> {
  const name = await parseModelName(choice.model);
  if (name.kind !== 'hub') throw new ModelNotFoundError(`${choice.model} is no id of the hub.`);
  return ensureHubModel(name.id, name.revision, choice, { signal: new AbortController().signal, emit });
}

/** A commit of a model that lies in the cache as a whole; null where it does not. Needs no network. */
export async function findHubModel(id: string, commit: string, choice: Choice): Promise<ModelFiles | null> {
  return findCached(new HubCache(choice.cacheRoot, id), id, commit, choice);
}

/**
 * Removes those files of a cached model whose content is wrong; says whether there were any. For after a failed load:
 * hashing at each start would cost more than it finds.
 */
export async function removeCorruptHubFiles(files: ModelFiles, cacheRoot: string): Promise<boolean> {
  const [id = '', commit = ''] = files.id.split('@');
  const cache = new HubCache(cacheRoot, id);
  // What other tools have downloaded is theirs.
  if (files.directory !== cache.snapshot(commit)) return false;
  const corrupt = await corruptFiles(files.directory, (await cache.readListing(commit))?.files ?? []);
  for (const { path } of corrupt) await rm(join(files.directory, path), { force: true });
  return corrupt.length > 0;
}

async function findCached(
  cache: HubCache,
  id: string,
  revision: string,
  choice: Choice,
): Promise<ModelFiles | null> {
  const commit = await cache.commitOf(revision);
  const listing = commit === null ? null : await cache.readListing(commit);
  if (commit === null || listing === null) return null;
  const directory = cache.snapshot(commit);
  try {
    const files = chooseFiles(listing, id, choice.dtype, choice.device);
    if ((await missingFiles(directory, files)).length > 0) return null;
  } catch (error) {
    // Another commit may have the weights that are asked for.
    if (error instanceof ModelNotFoundError) return null;
    throw error;
  }
  return describe(directory, id, commit, choice);
}

/** Offline there is no list of what belongs to a model: what can be loaded will do. */
async function findOtherwise(
  settings: HubSettings,
  id: string,
  revision: string,
  choice: Choice,
): Promise<ModelFiles | null> {
  const shared = await findShared(settings.sharedCache, id, revision);
  if (shared === null) return null;
  return describe(shared.directory, id, shared.commit, choice).catch((error: unknown) => {
    if (error instanceof ModelNotFoundError) return null;
    throw error;
  });
}

function absent(id: string): () => Promise<never> {
  return async () => {
    throw new ModelNotFoundError(
      `${id} is not in the model cache, and offline nothing is downloaded. Run once without --offline and HF_HUB_OFFLINE, or give a local directory.`,
    );
  };
}

function describe(directory: string, id: string, commit: string, choice: Choice): Promise<ModelFiles> {
  return describeModel(directory, `${id}@${commit}`, choice.dtype, choice.device);
}

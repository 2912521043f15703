import { EmbedderProcess } from './embedder-process.ts';
import type { DownloadEvent } from './hub-fetch.ts';
import { findHubModel, removeCorruptHubFiles } from './hub-model.ts';
import { findLocalModel } from './local-model.ts';
import type { ModelChoice, ModelFiles, ModelRequest } from './model-files.ts';
import { isCommit, parseModelName } from './model-name.ts';

/** Of the JavaScript heap of the process that fetches a model. */
const FETCH_HEAP_MIB = 64;

/**
 * Finds the model that is asked for, on the disk or on the hub. The bundled model is left to the process that loads it,
 * as converting it takes memory.
 * @throws ModelNotFoundError, ModelInvalidError; for a model of the hub also ModelDownloadError, ModelIntegrityError,
 *   ModelCacheError and the signal's reason
 */
export async function prepareModel(
  choice: ModelChoice,
  signal: AbortSignal,
  emit: (event: DownloadEvent) => void,
): Promise<ModelRequest> {
  const { model, offline: _, ...rest } = choice;
  const name = await parseModelName(model);
  if (name.kind === 'bundled') return { ...rest, files: null };
  if (name.kind === 'local') {
    return { ...rest, files: await findLocalModel(name.path, rest.dtype, rest.device) };
  }
  const { id, revision } = name;
  const cached = revision !== null && isCommit(revision) ? await findHubModel(id, revision, choice) : null;
  return { ...rest, files: cached ?? (await fetchApart(choice, signal, emit)) };
}

/** After a load that failed: whether files were damaged and are removed now, so that they can be fetched again. */
export async function repairModel({ files, cacheRoot }: ModelRequest): Promise<boolean> {
  return files !== null && (await removeCorruptHubFiles(files, cacheRoot));
}

/**
 * In a process of its own, as the HTTP client takes some 20 MB that would stay. It can be killed at any moment: what it
 * has downloaded is kept, and its lock is free when it is gone.
 */
async function fetchApart(
  choice: ModelChoice,
  signal: AbortSignal,
  emit: (event: DownloadEvent) => void,
): Promise<ModelFiles> {
  signal.throwIfAborted();
  const process = new EmbedderProcess(FETCH_HEAP_MIB, emit);
  const abort = () => process.kill();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return (await process.call('fetch', choice)).output;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
    await process.close();
  }
}

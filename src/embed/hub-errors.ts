import { TidemarkError } from '../errors.ts';
import { ModelDownloadError, ModelNotFoundError } from './errors.ts';
import { HttpStatusError, isTransient, reasonOf } from './hub-retry.ts';
import type { HubSettings } from './hub-settings.ts';

/** The error to throw for what went wrong with a model of the hub: what it was, and what to do. */
export function hubError(
  error: unknown,
  id: string,
  revision: string,
  { endpoint, token }: HubSettings,
): unknown {
  if (error instanceof TidemarkError) return error;
  const options = { cause: error };
  if (error instanceof HttpStatusError) {
    if (error.hubCode === 'RevisionNotFound') {
      return new ModelNotFoundError(`${id} has no revision ${revision} at ${endpoint}.`, options);
    }
    if (error.status === 403 || error.hubCode === 'GatedRepo') {
      const how = token === null ? `set HF_TOKEN` : 'use a token of a user who may read it';
      return new ModelDownloadError(
        `${id} is not open to everyone: accept its terms at ${endpoint}/${id} and ${how}.`,
        options,
      );
    }
    if (error.status === 401 && token !== null) {
      return new ModelDownloadError(
        `${endpoint} refuses ${id}, or the token that is set for it. Check HF_TOKEN.`,
        options,
      );
    }
    if (error.status === 401 || error.status === 404) {
      const hidden = token === null ? '; for a private model, set HF_TOKEN' : '';
      return new ModelNotFoundError(
        `There is no directory ${id} here, and no model of that name at ${endpoint}. Check the name${hidden}.`,
        options,
      );
    }
  }
  const kept = isTransient(error) ? ' What has come is kept: the same command goes on from there.' : '';
  return new ModelDownloadError(
    `${id} is no directory here and cannot be downloaded from ${endpoint}: ${reasonOf(error)}. Check the network and HTTPS_PROXY, or set HF_ENDPOINT to a mirror.${kept}`,
    options,
  );
}

import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ModelDownloadError } from './errors.ts';

/** Where models come from. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly offline: boolean;
  /** Sent to the endpoint alone, and never part of a message. */
  readonly token: string | null;
  /** Where the hub's own tools keep what they have downloaded. */
  readonly sharedCache: string;
}

const HUB = 'https://huggingface.co';

/**
 * Reads the variables that the hub's own tools read: HF_ENDPOINT (a mirror), HF_HUB_OFFLINE, HF_TOKEN, HF_TOKEN_PATH,
 * HF_HOME, HF_HUB_CACHE (https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables).
 * @throws ModelDownloadError when HF_ENDPOINT is not an address
 */
export async function readHubSettings(
  env: NodeJS.ProcessEnv = process.env,
  home: string = homedir(),
): Promise<HubSettings> {
  const hubHome = env.HF_HOME || join(env.XDG_CACHE_HOME || join(home, '.cache'), 'huggingface');
  return {
    endpoint: endpointOf(env.HF_ENDPOINT || HUB),
    offline: isTrue(env.HF_HUB_OFFLINE),
    token: await readToken(env, hubHome),
    sharedCache: env.HF_HUB_CACHE || join(hubHome, 'hub'),
  };
}

function endpointOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') {
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  }
  // It is not repeated, as it may hold a password.
  throw new ModelDownloadError(
    'HF_ENDPOINT is not the address of a server, https://HOST/PATH without a user. Correct it, or unset it.',
  );
}

async function readToken(env: NodeJS.ProcessEnv, hubHome: string): Promise<string | null> {
  if (env.HF_TOKEN?.trim()) return env.HF_TOKEN.trim();
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return null;
  const text = await readFile(env.HF_TOKEN_PATH || join(hubHome, 'token'), 'utf8').catch(() => '');
  return text.trim() || null;
}

function isTrue(value: string | undefined): boolean {
  return /^(?:1|true|yes|on)$/i.test(value ?? '');
}

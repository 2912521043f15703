import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { hashFile } from './sha256.ts';

/** What a file must hash to. `git` is git's name for its content: SHA-1 over the length and the bytes. */
export interface Checksum {
  readonly algorithm: 'sha256' | 'git';
  readonly hex: string;
}

/** @param size of the whole file in bytes */
export function startHash({ algorithm }: Checksum, size: number): Hash {
  return algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

/** Reads the file in blocks; false where it cannot be read. */
export async function hasChecksum(path: string, checksum: Checksum): Promise<boolean> {
  const file = await open(path).catch(() => null);
  if (file === null) return false;
  try {
    const hash = startHash(checksum, (await file.stat()).size);
    await hashFile(file, hash);
    return hash.digest('hex') === checksum.hex;
  } finally {
    await file.close();
  }
}

/** The hash in a name that a hub gives to a version of a file, as ETag or in a list; null where it is none. */
export function checksumOf(name: unknown): Checksum | null {
  const hex = typeof name === 'string' ? name.replace(/^(?:W\/)?"|"$/g, '').toLowerCase() : '';
  if (/^[0-9a-f]{64}$/.test(hex)) return { algorithm: 'sha256', hex };
  return /^[0-9a-f]{40}$/.test(hex) ? { algorithm: 'git', hex } : null;
}

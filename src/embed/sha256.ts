import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

const BLOCK_BYTES = 1 << 20;

export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** SHA-256 of a file, read in blocks. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    await hashFile(file, hash);
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** Feeds a file from its beginning into `hash`, through one buffer; gives its length in bytes. */
export async function hashFile(file: FileHandle, hash: Hash): Promise<number> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let position = 0;
  for (;;) {
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, position);
    if (bytesRead === 0) return position;
    hash.update(block.subarray(0, bytesRead));
    position += bytesRead;
  }
}

import { open, stat } from 'node:fs/promises';
import { looksBinary } from './encoding.ts';

/** Whether the head of a regular file says that it is not text; false where it cannot be read. */
export async function looksBinaryFile(path: string | Buffer): Promise<boolean> {
  // To look into a pipe would wait for its writer, and take from what the next one reads.
  const info = await stat(path).catch(() => null);
  if (info === null || !info.isFile()) return false;
  const handle = await open(path, 'r').catch(() => null);
  if (handle === null) return false;
  try {
    const head = new Uint8Array(8192);
    const { bytesRead } = await handle.read(head, 0, head.byteLength, 0);
    return looksBinary(head.subarray(0, bytesRead));
  } catch {
    return false;
  } finally {
    await handle.close();
  }
}

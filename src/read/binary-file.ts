import { open } from 'node:fs/promises';
import { looksBinary } from './encoding.ts';

/** Whether the head of a file says that it is not text; false where it cannot be read. */
export async function looksBinaryFile(path: string): Promise<boolean> {
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

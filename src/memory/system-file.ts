import { readFileSync } from 'node:fs';

/** What the kernel tells in a file of `/proc` or `/sys`; null where there is none, as after a process has ended. */
export function readSystemFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

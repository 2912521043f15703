import { readFileSync } from 'node:fs';

/** What the kernel tells in a file of `/proc` or `/sys`; null where there is none, as after a process has ended. */
export function readSystemFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** Bytes that a line of such a file tells in kB, the number being the first group of its pattern; null where there is none. */
export function bytesInSystemFile(path: string, line: RegExp): number | null {
  const found = line.exec(readSystemFile(path) ?? '');
  return found === null ? null : Number(found[1]) * 1024;
}

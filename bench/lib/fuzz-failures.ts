import { mkdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FuzzCase } from '../../test/support/fuzz-case.ts';

const ROOT = fileURLToPath(new URL('../corpora/fuzz-failures/', import.meta.url));

/** Writes an input, its smallest form if there is one, and how it was shown to the chunker; returns the folder. */
export function saveFailure(failure: {
  readonly seed: number;
  readonly index: number;
  readonly input: FuzzCase;
  readonly smallest: Buffer | null;
  readonly invariant: string;
  readonly message: string;
}): string {
  const { seed, index, invariant, smallest } = failure;
  const { bytes, ...shown } = failure.input;
  const folder = join(ROOT, `${seed}-${index}-${invariant.replaceAll(' ', '-')}`);
  mkdirSync(folder, { recursive: true });
  const extension = extname(shown.path);
  writeFileSync(join(folder, `input${extension}`), bytes);
  if (smallest !== null) writeFileSync(join(folder, `smallest${extension}`), smallest);
  const { message } = failure;
  writeFileSync(
    join(folder, 'case.json'),
    `${JSON.stringify({ seed, index, invariant, message, ...shown }, null, 1)}\n`,
  );
  return folder;
}

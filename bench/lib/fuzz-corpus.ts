import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CorpusFile } from '../../test/support/fuzz-case.ts';
import { languageCorpus } from './language-corpus.ts';

const FIXTURES = fileURLToPath(new URL('../../test/fixtures/languages/', import.meta.url));
/** Enough for variety; the same on each run, so that an input follows from its seed. */
const FILES_PER_LANGUAGE = 500;

/** Paths of real files in every language with a parser, of all sizes, by language. */
export async function fuzzCorpus(): Promise<[language: string, path: string][]> {
  const files: [string, string][] = [];
  for (const [language, paths] of await languageCorpus()) {
    const step = Math.max(1, paths.length / FILES_PER_LANGUAGE);
    for (let at = 0; at < paths.length; at += step) files.push([language, paths[Math.floor(at)]!]);
  }
  return files;
}

export const readLater = ([language, path]: readonly [string, string]): CorpusFile => ({
  language,
  path,
  read: () => readFileSync(path),
});

/** The fixture of a language: a small file that any parser reads. */
export function ordinaryFile(language: string | null): { path: string; bytes: Buffer } {
  const isFixture = (file: string) => file.startsWith(`${language}.`) && !file.includes('.expected.');
  const path = readdirSync(FIXTURES).find(isFixture) ?? 'python.py';
  return { path, bytes: readFileSync(join(FIXTURES, path)) };
}

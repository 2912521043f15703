import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Corpus, debianPackage, debianSource, npmPackage, pythonLibrary } from './corpora.ts';

/** Real files of one language, some 5 to 10 MB of them. */
export interface LanguageFiles {
  /** tidemark's name of the language. */
  readonly language: string;
  /** LangChain's name of the language. */
  readonly langchain: string;
  readonly origins: readonly string[];
  readonly files: readonly string[];
  readonly bytes: number;
}

interface Source {
  readonly language: string;
  readonly langchain: string;
  readonly from: () => readonly (Corpus | string)[];
  readonly pattern: RegExp;
}

const MAX_BYTES = 10e6;
/** A file that is parsed whole must not be larger: the parser's heap ends at 2 GiB. */
const MAX_FILE_BYTES = 40e6;

const SOURCES: readonly Source[] = [
  {
    language: 'typescript',
    langchain: 'js',
    from: () => [npmPackage('effect@3.22.4'), npmPackage('typescript@5.9.3')],
    pattern: /^effect\/src\/.*\.ts$|^typescript\/.*\.ts$/,
  },
  {
    // _tsc.js holds most of typescript.js again.
    language: 'javascript',
    langchain: 'js',
    from: () => [npmPackage('typescript@5.9.3')],
    pattern: /(?<!\/_tsc)\.js$/,
  },
  { language: 'python', langchain: 'python', from: () => [pythonLibrary()], pattern: /\.py$/ },
  { language: 'c', langchain: 'cpp', from: () => [debianSource('redis')], pattern: /\.[ch]$/ },
  { language: 'cpp', langchain: 'cpp', from: () => [debianSource('abseil')], pattern: /\.(?:cc|h)$/ },
  {
    language: 'go',
    langchain: 'go',
    from: () => [debianPackage('golang-1.19-src')],
    pattern: /\/src\/.*\.go$/,
  },
  {
    language: 'rust',
    langchain: 'rust',
    from: () => [debianPackage('rust-src')],
    pattern: /\/library\/.*\.rs$/,
  },
  { language: 'java', langchain: 'java', from: () => [debianSource('guava-libraries')], pattern: /\.java$/ },
];

/** Fetches what is not there yet. The same files every time: of a larger tree each second, third... by path. */
export function chunkCorpus(wanted: (language: string) => boolean): LanguageFiles[] {
  return SOURCES.filter(({ language }) => wanted(language)).map(({ language, langchain, from, pattern }) => {
    const corpora = from();
    const all = corpora.flatMap((corpus) => {
      const dir = typeof corpus === 'string' ? corpus : corpus.dir;
      return filesUnder(dir).filter(({ path }) => pattern.test(path.slice(dir.lastIndexOf('/') + 1)));
    });
    const every = Math.ceil(total(all) / MAX_BYTES);
    const kept = all.filter((_, i) => i % every === 0);
    return {
      language,
      langchain,
      origins: corpora.map((corpus) => (typeof corpus === 'string' ? corpus : corpus.archive)),
      files: kept.map(({ path }) => path),
      bytes: total(kept),
    };
  });
}

interface File {
  readonly path: string;
  readonly size: number;
}

const total = (files: readonly File[]) => files.reduce((sum, { size }) => sum + size, 0);

function filesUnder(dir: string): File[] {
  const names = readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return names.flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return filesUnder(path);
    if (!entry.isFile()) return [];
    const { size } = statSync(path);
    return size > 0 && size <= MAX_FILE_BYTES ? [{ path, size }] : [];
  });
}

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSize } from '../../src/memory/size.ts';
import { CORPORA, debianPackage, debianSource, npmPackage, pythonLibrary } from './corpora.ts';
import { generate, HUGE } from './huge-kinds.ts';

export interface RssCorpus {
  readonly dir: string;
  readonly title: string;
  /** Where it comes from: the archive and its hash, or how it is made. */
  readonly about: string;
  /** It has the same files twice, one copy after the other. */
  readonly twice?: boolean;
}

const IGNORE = '.tidemarkignore';
const HUGE_SIZE = '100MB';
const LARGE_SIZE = '5MB';
const LARGEST = { file: 'one-line.json', size: '1GB' };
const KERNEL_END = [
  'include',
  'kernel',
  'lib',
  'mm',
  'net',
  'samples',
  'scripts',
  'security',
  'sound',
  'tools',
] as const;
const FILES_IN_DIRECTORY = 500;

/**
 * A corpus by its name: `kernel`, `kernel-twice`, `kernel-shuffled`, `kernel-end`, `kernel-10000`, `typescript`, `redis`, `python`,
 * `thousands`, `million`, `huge`, `large`, `one-line`, `minified`, `tables`, `mixed`.
 */
export async function rssCorpus(name: string): Promise<RssCorpus> {
  const make = MAKERS[name];
  if (make === undefined) throw new Error(`${name} is none of ${Object.keys(MAKERS).join(', ')}`);
  return make();
}

const MAKERS: Record<string, () => Promise<RssCorpus>> = {
  kernel: async () => {
    const { archive, dir, sha256 } = debianPackage('linux-source-6.1', 'usr/src/linux-source-6.1.tar.xz');
    // Debian's own rules in the tree ignore all that is not Debian's.
    writeFileSync(join(dir, IGNORE), '!*\n');
    return { dir, title: 'Linux 6.1', about: `${archive}, sha256 ${sha256}` };
  },
  'kernel-twice': async () => {
    const kernel = await rssCorpus('kernel');
    const dir = await once('kernel-twice', async (into) => {
      for (const copy of ['one', 'two']) execFileSync('cp', ['-al', kernel.dir, join(into, copy)]);
    });
    return { dir, title: 'Linux 6.1, twice', about: `two copies of ${kernel.about}`, twice: true };
  },
  /** By the hash of their paths in 256 folders, each a sample of the whole: what rises over them does not go by which come late. */
  'kernel-shuffled': async () => {
    const kernel = await rssCorpus('kernel');
    const dir = await once('kernel-shuffled', async (into) => {
      linkFiles(kernel.dir, into, Number.POSITIVE_INFINITY, (path) =>
        join(createHash('sha256').update(path).digest('hex').slice(0, 2), path),
      );
    });
    return { dir, title: 'Linux 6.1, shuffled', about: `${kernel.about}, in 256 folders by hash of path` };
  },
  /** What is last in the order of the paths, alone: whether memory is higher there for what comes before. */
  'kernel-end': async () => {
    const kernel = await rssCorpus('kernel');
    const dir = await once('kernel-end', async (into) => {
      for (const name of KERNEL_END) execFileSync('cp', ['-al', join(kernel.dir, name), join(into, name)]);
      writeFileSync(join(into, IGNORE), '!*\n');
    });
    return { dir, title: 'The end of Linux 6.1', about: `${KERNEL_END.join(', ')} of ${kernel.about}` };
  },
  'kernel-10000': async () => {
    const kernel = await rssCorpus('kernel');
    const dir = await once('kernel-10000', async (into) => {
      linkFiles(kernel.dir, into, 10_000);
    });
    return {
      dir,
      title: 'The first 10,000 files of Linux 6.1',
      about: `first 10,000 files of ${kernel.about}`,
    };
  },
  typescript: async () => {
    const { archive, dir, sha256 } = npmPackage('typescript@5.9.3');
    return { dir, title: 'typescript 5.9.3', about: `${archive}, sha256 ${sha256}` };
  },
  redis: async () => {
    const { archive, dir, sha256 } = debianSource('redis');
    return { dir, title: 'redis', about: `${archive}, sha256 ${sha256}` };
  },
  python: async () => {
    const dir = pythonLibrary();
    return { dir, title: "Python's standard library", about: dir };
  },
  thousands: () => smallFiles(2000),
  million: () => smallFiles(1_000_000),
  huge: hugeFiles,
  /** The same kinds, as large as both lanes come to an end with. */
  large: () => ofEachKind('large', LARGE_SIZE),
  'one-line': () => fullSize('one-line', [LARGEST.file]),
  minified: () => fullSize('minified', ['bundle.min.js']),
  tables: () => fullSize('tables', ['dump.sql', 'table.csv', 'table.c', 'random.ts']),
  mixed: async () => {
    const kernel = await rssCorpus('kernel');
    const small = await smallFiles(20_000);
    const huge = await hugeFiles();
    const dir = await once('mixed', async (into) => {
      const parts = { drivers: join(kernel.dir, 'drivers/net'), small: small.dir, huge: huge.dir };
      // Links, as the huge files are large.
      for (const [name, from] of Object.entries(parts)) execFileSync('cp', ['-al', from, join(into, name)]);
    });
    return {
      dir,
      title: 'a mixture',
      about: `drivers/net of ${kernel.about}; ${small.about}; ${huge.about}`,
    };
  },
};

/** Makes `corpora/NAME` unless it is there; only what is whole gets the name. */
export async function once(name: string, make: (into: string) => Promise<void>): Promise<string> {
  const dir = join(CORPORA, name);
  if (existsSync(dir)) return dir;
  const part = `${dir}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  await make(part);
  renameSync(part, dir);
  return dir;
}

/** Links the first `count` files of a tree into another, each at its path or where `place` says. */
function linkFiles(from: string, into: string, count: number, place = (path: string) => path): void {
  for (const file of firstFiles(from, count)) {
    const to = join(into, place(relative(from, file)));
    mkdirSync(dirname(to), { recursive: true });
    linkSync(file, to);
  }
  writeFileSync(join(into, IGNORE), '!*\n');
}

/** In the order of their paths, without what was added to the tree. */
function firstFiles(dir: string, count: number): string[] {
  const files: string[] = [];
  const entries = readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (files.length >= count) break;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) files.push(...firstFiles(path, count - files.length));
    else if (entry.isFile() && entry.name !== IGNORE) files.push(path);
  }
  return files;
}

async function smallFiles(count: number): Promise<RssCorpus> {
  const dir = await once(`small-${count}`, async (into) => {
    for (let i = 0; i < count; i++) {
      const folder = join(into, `part${Math.floor(i / FILES_IN_DIRECTORY)}`);
      if (i % FILES_IN_DIRECTORY === 0) mkdirSync(folder);
      const { extension, text } = SMALL[i % SMALL.length]!;
      writeFileSync(join(folder, `file${i}.${extension}`), text(i));
    }
  });
  return {
    dir,
    title: `${count.toLocaleString('en')} small files`,
    about: `${count} generated files of ten lines`,
  };
}

const SMALL: readonly { readonly extension: string; readonly text: (i: number) => string }[] = [
  {
    extension: 'ts',
    text: (i) =>
      `import { parse${i % 97} } from './parse';\n\n/** Loads the settings number ${i}. */\nexport function loadSettings${i}(path: string): number {\n  const text = parse${i % 97}(path);\n  if (text === null) throw new Error('no settings ${i}');\n  return text.length + ${i};\n}\n`,
  },
  {
    extension: 'py',
    text: (i) =>
      `"""Worker ${i}."""\n\n\nclass Worker${i}:\n    def run(self, queue, limit=${i % 50}):\n        done = 0\n        while queue and done < limit:\n            queue.pop().handle_${i % 113}()\n            done += 1\n        return done\n`,
  },
  {
    extension: 'c',
    text: (i) =>
      `#include "device${i % 31}.h"\n\nstatic int probe_${i}(struct device *dev)\n{\n\tint err = enable_${i % 71}(dev);\n\n\tif (err)\n\t\treturn err;\n\treturn register_${i % 53}(dev, ${i});\n}\n`,
  },
  {
    extension: 'md',
    text: (i) =>
      `# Note ${i}\n\nHow module ${i % 211} talks to module ${i % 89}, and why.\n\n## Limits\n\nAt most ${i} at a time.\n`,
  },
];

/** Kinds of huge files, each at the largest of its sizes. */
async function fullSize(corpus: string, files: readonly string[]): Promise<RssCorpus> {
  const kinds = HUGE.filter(({ file }) => files.includes(file)).map((kind) => ({
    kind,
    size: kind.sizes.at(-1)!,
  }));
  const dir = await once(corpus, async (into) => {
    for (const { kind, size } of kinds) await generate(kind, join(into, kind.file), parseSize(size));
  });
  const title = kinds.map(({ kind, size }) => `${kind.name}, ${size}`).join('; ');
  return { dir, title, about: kinds.map(({ kind, size }) => `${kind.name} of ${size}`).join(', ') };
}

async function hugeFiles(): Promise<RssCorpus> {
  const { dir, about } = await ofEachKind('huge', HUGE_SIZE, async (into) => {
    const kind = HUGE.find(({ file }) => file === LARGEST.file)!;
    await generate(kind, join(into, `largest-${kind.file}`), parseSize(LARGEST.size));
  });
  return { dir, title: 'huge files', about: `${about}; ${LARGEST.file} of ${LARGEST.size}` };
}

/** A file of each kind of huge files, all of one size. */
async function ofEachKind(
  corpus: string,
  size: string,
  more: (into: string) => Promise<void> = async () => {},
): Promise<RssCorpus> {
  const dir = await once(corpus, async (into) => {
    for (const kind of HUGE) await generate(kind, join(into, kind.file), parseSize(size));
    await more(into);
  });
  const names = HUGE.map(({ name }) => name).join(', ');
  return { dir, title: `files of ${size}`, about: `${names}: ${size} each` };
}

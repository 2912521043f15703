import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CORPORA } from './corpora.ts';

/** Other chunkers, with what they ask for beside them. They are measured, not used: no dependency of tidemark. */
export const PEERS: Readonly<Record<string, string>> = {
  '@langchain/textsplitters': '1.0.2',
  '@langchain/core': '1.4.0',
  '@llamaindex/node-parser': '2.0.23',
  '@llamaindex/core': '0.6.23',
  '@llamaindex/env': '0.1.31',
};

/** Other pipelines, from files to a store of vectors. */
export const PIPELINE_PEERS: Readonly<Record<string, string>> = {
  '@langchain/classic': '1.0.50',
  '@langchain/community': '1.1.29',
  '@langchain/core': '1.4.0',
  '@langchain/textsplitters': '1.0.2',
  '@lancedb/lancedb': '0.39.0',
  'apache-arrow': '18.1.0',
  llamaindex: '0.12.1',
  '@llamaindex/readers': '3.1.22',
  '@llamaindex/core': '0.6.22',
  '@llamaindex/env': '0.1.30',
};

/** Installs peers into `corpora/NAME`, once, and returns the directory that a script has to lie in to import them. */
export function installPeers(name = 'peers', peers = PEERS): string {
  const dir = join(CORPORA, name);
  const path = join(dir, 'package.json');
  const wanted = `${JSON.stringify({ private: true, type: 'module', dependencies: peers }, null, 1)}\n`;
  const installed = join(dir, 'node_modules/.package-lock.json');
  if (existsSync(path) && readFileSync(path, 'utf8') === wanted && existsSync(installed)) return dir;
  mkdirSync(dir, { recursive: true });
  writeFileSync(path, wanted);
  // Not their parsers: all contenders use the one that tidemark has.
  const flags = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', ...flags], { cwd: dir, stdio: 'inherit' });
  return dir;
}

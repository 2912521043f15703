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

/** Installs the peers, once, and returns the directory that a script has to lie in to import them. */
export function installPeers(): string {
  const dir = join(CORPORA, 'peers');
  const path = join(dir, 'package.json');
  const wanted = `${JSON.stringify({ private: true, type: 'module', dependencies: PEERS }, null, 1)}\n`;
  const installed = join(dir, 'node_modules/.package-lock.json');
  if (existsSync(path) && readFileSync(path, 'utf8') === wanted && existsSync(installed)) return dir;
  mkdirSync(dir, { recursive: true });
  writeFileSync(path, wanted);
  // Not their parsers: all contenders use the one that tidemark has.
  const flags = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', ...flags], { cwd: dir, stdio: 'inherit' });
  return dir;
}

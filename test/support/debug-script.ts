import { spawnSync } from 'node:child_process';

/** Runs a module of its own, given as text, with TIDEMARK_DEBUG set to `debug`. */
export const runScript = (script: string, debug: '0' | '1') =>
  spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, TIDEMARK_DEBUG: debug },
  });

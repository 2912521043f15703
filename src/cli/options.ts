import { type Command, InvalidArgumentError, Option } from 'commander';
import { TIDEMARK_VERSION } from '../pipeline/versions.ts';
import type { OpenOptions } from '../tidemark-index.ts';

export interface CommonOptions {
  readonly index?: string;
  readonly memory?: string;
  readonly device?: 'auto' | 'cpu' | 'wasm' | 'webgpu';
  readonly model?: string;
  readonly json?: boolean;
}

/** The flags that every command on a directory takes. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--index <path>', 'where the index lies (default: DIR/.tidemark)')
    .option(
      '--memory <size>',
      'memory for all processes together: 512MB, 2GB (default: a share of the machine)',
    )
    .addOption(new Option('--device <name>', 'where to embed').choices(['auto', 'cpu', 'wasm', 'webgpu']))
    .option('--model <path>', 'an embedding model (default: the bundled one)')
    .option('--json', 'machine-readable output');
}

export function openOptions({ index, memory, device, model }: CommonOptions): OpenOptions {
  return {
    ...(index === undefined ? {} : { index }),
    ...(memory === undefined ? {} : { memory }),
    ...(device === undefined ? {} : { device }),
    ...(model === undefined ? {} : { model }),
  };
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError('write a whole number from 1.');
  return value;
}

export { TIDEMARK_VERSION };

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { OpenOptions } from '../tidemark-index.ts';

export interface CommonOptions {
  readonly index?: string;
  readonly memory?: string;
  readonly device?: 'auto' | 'cpu' | 'wasm' | 'webgpu';
  readonly model?: string;
  readonly json?: boolean;
}

/** The argument and the flags that every command on a directory takes. */
export function withCommonOptions(command: Command): Command {
  return command
    .argument('[dir]', 'the source tree', notEmpty, '.')
    .option('--index <path>', 'where the index lies (default: DIR/.tidemark)', notEmpty)
    .option(
      '--memory <size>',
      'memory for all processes together: 512MB, 2GB (default: depends on the machine)',
    )
    .addOption(
      new Option('--device <name>', 'what embeds (default: auto)').choices(['auto', 'cpu', 'wasm', 'webgpu']),
    )
    .option('--model <path>', 'directory of an embedding model (default: the bundled model)', notEmpty)
    .option('--json', 'machine-readable output on stdout');
}

export function openOptions({ index, memory, device, model }: CommonOptions): OpenOptions {
  return {
    ...(index === undefined ? {} : { index }),
    ...(memory === undefined ? {} : { memory }),
    ...(device === undefined ? {} : { device }),
    ...(model === undefined ? {} : { model }),
  };
}

/** The most hits that the search gives. */
const MAX_LIMIT = 1000;

export function limit(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > MAX_LIMIT)
    throw new InvalidArgumentError(`Write a whole number from 1 to ${MAX_LIMIT}.`);
  return value;
}

/** An empty argument is mostly a variable that is not set, and would stand for the current directory. */
export function notEmpty(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

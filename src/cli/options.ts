import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ParserKind } from '../chunk/parser-pool.ts';
import type { Dtype } from '../embed/model-files.ts';
import { DTYPES } from '../embed/onnx-variants.ts';
import type { OpenOptions } from '../tidemark-index.ts';

export interface CommonOptions {
  readonly index?: string;
  readonly memory?: string;
  readonly parser?: ParserKind;
  readonly device?: 'auto' | 'cpu' | 'wasm' | 'webgpu';
  readonly model?: string;
  readonly dtype?: Dtype;
  readonly dimensions?: number;
  readonly offline?: boolean;
  readonly json?: boolean;
}

/** The argument and the flags that every command on a directory takes. */
export function withCommonOptions(command: Command): Command {
  return command
    .argument('[dir]', 'the source tree', notEmpty, '.')
    .option(
      '--index <place>',
      'where the index lies: a directory, or s3://, gs:// or az://BUCKET/PREFIX (default: DIR/.tidemark)',
      notEmpty,
    )
    .option(
      '--memory <size>',
      'memory for all processes together: 512MB, 2GB (default: depends on the machine)',
    )
    .addOption(
      new Option('--device <name>', 'what embeds (default: auto)').choices(['auto', 'cpu', 'wasm', 'webgpu']),
    )
    .option(
      '--model <name>',
      'an embedding model: a directory, OWNER/NAME[@REVISION] on huggingface.co, or http://HOST:PORT#MODEL on a server (default: the bundled model)',
      notEmpty,
    )
    .addOption(
      new Option('--dtype <name>', "of the model's weights (default: what runs best)").choices(DTYPES),
    )
    .option('--dimensions <n>', 'cut vectors to so many, where the model was trained for it', wholeNumber)
    .option('--offline', 'download no model')
    .option('--json', 'machine-readable output on stdout');
}

/** And those of the commands that write the index. */
export function withIndexOptions(command: Command): Command {
  return withCommonOptions(command)
    .option('--no-embed', 'no embedding: search by words only, until a later run embeds')
    .addOption(parserOption())
    .option('--force', 'index even a home directory or the root of a file system')
    .option('--verbose', 'name each file that is skipped, and why')
    .option('--events', 'each event of the run as a line of JSON on stdout, before the summary');
}

export function openOptions({
  index,
  memory,
  parser,
  device,
  model,
  dtype,
  dimensions,
  offline,
}: CommonOptions): OpenOptions {
  return {
    ...(index === undefined ? {} : { index }),
    ...(memory === undefined ? {} : { memory }),
    ...(parser === undefined ? {} : { parser }),
    ...(device === undefined ? {} : { device }),
    ...(model === undefined ? {} : { model }),
    ...(dtype === undefined ? {} : { dtype }),
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(offline === undefined ? {} : { offline }),
  };
}

export function parserOption(): Option {
  return new Option('--parser <name>', 'what parses, with the same result (default: wasm)').choices([
    'wasm',
    'native',
  ]);
}

/** The most hits that the search gives. */
const MAX_LIMIT = 1000;

export function limit(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > MAX_LIMIT)
    throw new InvalidArgumentError(`Write a whole number from 1 to ${MAX_LIMIT}.`);
  return value;
}

/** A path relative to DIR and a line, from 1. */
export interface Place {
  readonly path: string;
  readonly line: number;
}

export function place(text: string): Place {
  const [, path, line] = /^(?:\.\/)?(.+):(\d+)$/s.exec(text) ?? [];
  if (path === undefined || Number(line) < 1)
    throw new InvalidArgumentError(
      'Write it as PATH:LINE, with the path relative to DIR: src/server.ts:120.',
    );
  return { path, line: Number(line) };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Write a whole number from 1.');
  return value;
}

/** An empty argument is mostly a variable that is not set, and would stand for the current directory. */
export function notEmpty(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

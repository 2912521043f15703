import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { entryPoint } from '../../src/memory/entry-point.ts';
import { writeOld } from './fixtures.ts';
import { sharedCache } from './model-dirs.ts';

const MAIN = fileURLToPath(entryPoint('cli/main'));

/** An address, as the name would be looked up from the current directory. */
const LOADER = ['--import', import.meta.resolve('tsx')];

function program(script: string): string[] {
  return script.endsWith('.ts') ? [...LOADER, script] : [script];
}

/** What a shell starts tidemark with, wherever it is. */
export const COMMAND = [process.execPath, ...program(MAIN)];

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly detached?: boolean;
}

export interface CliResult {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function cliEnv(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { TIDEMARK_DEBUG: _debug, MALLOC_MMAP_THRESHOLD_: _set, ...rest } = process.env;
  return { ...rest, TIDEMARK_CACHE: sharedCache, ...env };
}

/** Starts the command line as a user does. */
export function startCli(args: readonly string[], options: CliOptions = {}): ChildProcess {
  return start(MAIN, args, options);
}

function start(script: string, args: readonly string[], { env, uid, ...rest }: CliOptions): ChildProcess {
  return spawn(process.execPath, [...program(script), ...args], {
    ...rest,
    ...(uid === undefined ? {} : { uid, gid: uid }),
    env: cliEnv(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Waits for the process and for whatever else holds its output. */
export async function resultOf(child: ChildProcess): Promise<CliResult> {
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout!), text(child.stderr!), closed]);
  return { code, stdout, stderr };
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return resultOf(startCli(args, options));
}

const MANY = fileURLToPath(new URL('./cli-many.ts', import.meta.url));

/** Runs command lines one after the other in one process, to save the start of each: all but main.ts is as it is. */
export async function runCliInTurn(
  commands: readonly (readonly string[])[],
  options: CliOptions = {},
): Promise<CliResult[]> {
  const { stdout, stderr } = await resultOf(start(MANY, [JSON.stringify(commands)], options));
  const errors = stderr.split('\0');
  return stdout
    .split('\0')
    .slice(0, -1)
    .map((part, at) => ({ code: Number(part.at(-1)), stdout: part.slice(0, -1), stderr: errors[at]! }));
}

/** What a run tells every ten seconds: on a busy machine any run may last so long. */
const PROGRESS = /^(?:reading|embedding): .*\n/gm;

/**
 * Runs a command with --json that must say nothing on stderr, but for how far it is; gives the objects that it prints, one a
 * line.
 */
export async function runJson(
  [command = '', ...args]: readonly string[],
  options: CliOptions & { readonly code?: number } = {},
  // biome-ignore lint/suspicious/noExplicitAny: JSON whose shape is what the tests check
): Promise<any[]> {
  const { code = 0, ...rest } = options;
  const result = await runCli([command, '--json', ...args], rest);
  assert.equal(result.stderr.replaceAll(PROGRESS, ''), '');
  assert.equal(result.code, code);
  return jsonLines(result.stdout);
}

// biome-ignore lint/suspicious/noExplicitAny: as above
export function jsonLines(stdout: string): any[] {
  if (stdout === '') return [];
  assert.ok(stdout.endsWith('\n'), 'the last line is not ended');
  return stdout
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Nothing on stdout, and on stderr the one line of an error, which `pattern` describes. */
export function assertError(result: CliResult, code: number, pattern: RegExp): void {
  assert.equal(result.stdout, '');
  assert.match(result.stderr, /^tidemark: [^\n]+\n$/);
  assert.match(result.stderr, pattern);
  assert.equal(result.code, code, result.stderr);
}

export function sortedKeys(value: object): string[] {
  return Object.keys(value).sort();
}

export function write(root: string, path: string, content: string | Uint8Array): void {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
}

/** A dozen files of several languages, small enough to be embedded in a second. */
export function writeSmallTree(root: string): void {
  for (const [path, content] of Object.entries(SMALL_TREE)) writeOld(root, path, content);
}

export const SMALL_TREE: Readonly<Record<string, string>> = {
  'README.md': '# Parcel desk\n\nTracks parcels from the counter to the door.\n',
  'docs/returns.md': '# Returns\n\nA parcel that nobody collects goes back to its sender after two weeks.\n',
  'docs/prices.txt': 'Letters cost one coin. Boxes cost three coins.\n',
  'src/parcel.ts':
    'export interface Parcel {\n  id: string;\n  grams: number;\n}\n\n' +
    'export function postageFor(parcel: Parcel): number {\n  return Math.ceil(parcel.grams / 500) * 3;\n}\n',
  'src/courier.ts':
    "export class Courier {\n  deliver(street: string): string {\n    return 'on the way to ' + street;\n  }\n}\n",
  'src/labels.py':
    'def print_label(name, street):\n    """Print the address that is glued to the box."""\n    return f"{name}\\n{street}"\n',
  'src/queue.go':
    'package desk\n\n// Next takes the customer who has waited longest.\nfunc Next(waiting []string) string {\n\treturn waiting[0]\n}\n',
  'src/scale.rs':
    'pub fn weigh_in_grams(raw: u32) -> u32 {\n    // The scale counts in half grams.\n    raw / 2\n}\n',
  'src/counter.c': 'int open_counters(int hour) {\n  return hour < 12 ? 1 : 3;\n}\n',
  'web/app.js': "export function showStatus(parcel) {\n  document.title = 'Parcel ' + parcel.id;\n}\n",
  'web/style.css': '.parcel {\n  color: brown;\n}\n',
  'config.yaml': 'desk:\n  open: 8\n  close: 18\n',
};

import { once } from 'node:events';
import { TidemarkError } from '../errors.ts';

/** Thrown where the reader of stdout has gone (`tidemark files | head`): not an error, only a reason to stop. */
export class OutputClosed extends Error {}

class OutputError extends TidemarkError {
  constructor(cause: NodeJS.ErrnoException) {
    super('ERR_TIDEMARK_OUTPUT', `stdout cannot be written (${cause.code}); check where it leads`, { cause });
  }
}

let failure: NodeJS.ErrnoException | null = null;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  failure ??= error;
});
// A closed terminal or `2>&1 | head`: nobody is left to tell, and the work itself goes on.
process.stderr.on('error', () => {});

/** Writes a line to stdout and waits while the reader is slow, so that no output gathers in memory. */
export async function printLine(line: string): Promise<void> {
  assertWritable();
  // An error ends the waiting too; it is looked at below.
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain').catch(() => {});
  assertWritable();
}

export const printJson = (value: unknown): Promise<void> => printLine(JSON.stringify(value));

/** Waits for what is written: an error of the last line shows only then. */
export async function flushOutput(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.stdout.write('', () => resolve());
  });
  assertWritable();
}

function assertWritable(): void {
  if (failure === null) return;
  if (failure.code === 'EPIPE') throw new OutputClosed();
  throw new OutputError(failure);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is written in another way
const CONTROL_IN_PATH = /[\u0000-\u001f\u007f-\u009f]/g;

/** Control characters of a file's own text must not reach a terminal. */
export const printable = (text: string): string => text.replace(CONTROL, '\ufffd');

/** A path on one line: control characters as `\xHH`, the way the index writes bytes that are not UTF-8. */
export function printablePath(path: string): string {
  return path.replace(CONTROL_IN_PATH, (char) =>
    [...Buffer.from(char)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/** The lines of a text for a terminal. */
export const printableLines = (text: string): string[] => text.split(/\r?\n/).map(printable);

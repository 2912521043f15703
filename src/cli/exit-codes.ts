import { TidemarkError } from '../errors.ts';
import { debugging } from '../memory/debug.ts';
import { printable } from './output.ts';

export const EXIT = { complete: 0, failed: 1, usage: 2, incomplete: 3 } as const;

/** Errors that come from what was typed. */
const USAGE = new Set([
  'ERR_TIDEMARK_SIZE',
  'ERR_TIDEMARK_BUDGET_TOO_SMALL',
  'ERR_TIDEMARK_LANGUAGE',
  'ERR_TIDEMARK_BAD_GLOB',
  'ERR_TIDEMARK_UNSAFE_ROOT',
  'ERR_TIDEMARK_INDEX_PLACE',
  'ERR_TIDEMARK_DIMENSIONS',
  'ERR_TIDEMARK_MODEL_URL',
  'ERR_TIDEMARK_USAGE',
]);

export class UsageError extends TidemarkError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_USAGE', message, options);
  }
}

/** Writes a line to stderr, whatever is in it. */
export function complain(message: string): void {
  process.stderr.write(`tidemark: ${printable(message.replace(/\s*\n\s*/g, ' ').trim())}\n`);
}

/** Prints an error as one line, and its stack under TIDEMARK_DEBUG=1; returns the exit code. */
export function report(thrown: unknown): number {
  const error = firstOf(thrown);
  complain((error instanceof Error ? error.message : String(error)) || 'failed for no known reason');
  if (debugging() && error instanceof Error) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) process.stderr.write(`${at.stack}\n`);
    if (thrown !== error && thrown instanceof Error && 'error' in thrown)
      process.stderr.write(`Closing failed after it: ${(thrown.error as Error).stack}\n`);
  }
  return error instanceof TidemarkError && USAGE.has(error.code) ? EXIT.usage : EXIT.failed;
}

/** What went wrong first, where closing something went wrong because of it. */
export function firstOf(thrown: unknown): unknown {
  let error = thrown;
  // By its name: Node 20 has no such class.
  while (error instanceof Error && error.name === 'SuppressedError' && 'suppressed' in error)
    error = error.suppressed;
  return error;
}

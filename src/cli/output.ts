/** Thrown where the reader of stdout has gone (`tidemark files | head`): not an error, only a reason to stop. */
export class OutputClosed extends Error {}

let closed = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  closed = true;
});

/** Writes a line to stdout and waits while the reader is slow, so that no output gathers in memory. */
export async function printLine(line: string): Promise<void> {
  if (closed) throw new OutputClosed();
  if (!process.stdout.write(`${line}\n`)) {
    await new Promise<void>((resolve) => {
      const done = () => {
        process.stdout.off('drain', done).off('close', done);
        resolve();
      };
      process.stdout.on('drain', done).on('close', done);
    });
  }
  if (closed) throw new OutputClosed();
}

export const printJson = (value: unknown): Promise<void> => printLine(JSON.stringify(value));

/** Control characters of a file's own text must not reach a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}

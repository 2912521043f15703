import { run } from '../../src/cli/program.ts';

// A program for tests: runs the command lines in argv[2] one after the other, and marks where each one ends.
for (const args of JSON.parse(process.argv[2]!) as string[][]) {
  const code = await run(args);
  process.stdout.write(`${code}\0`);
  process.stderr.write('\0');
}

/** Asks for the parsers' runtime where no file can be opened, and again where one can. Run with few handles: `ulimit -n 60`. */
import { closeSync, openSync } from 'node:fs';
import { compileRuntime } from '../../../src/chunk/compile-grammar.ts';

const taken: number[] = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {
  // There is none left.
}
const refused = await compileRuntime().catch(({ code }) => code);
for (const handle of taken) closeSync(handle);
process.stdout.write(`${refused} ${(await compileRuntime()) instanceof WebAssembly.Module}\n`);

/**
 * Spoils real files of all languages and chunks them: nothing may crash, no byte may be lost. `npm run bench:fuzz --
 * [--minutes 60] [--seed 1] [--only INDEX]`; --only does one input of a seed again. Failing inputs lie,
 * reduced, in bench/corpora/fuzz-failures. Results: bench/results/fuzz.json.
 */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FuzzCases } from '../test/support/fuzz-case.ts';
import type { FuzzMessage, FuzzOrder } from './lib/fuzz-child.ts';
import { fuzzCorpus, readLater } from './lib/fuzz-corpus.ts';
import { saveFailure } from './lib/fuzz-failures.ts';
import { FuzzTally } from './lib/fuzz-tally.ts';
import { environment } from './lib/machine.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    only: { type: 'string' },
  },
});
const seed = Number(values.seed);
const corpus = await fuzzCorpus();
const until = Date.now() + Number(values.minutes) * 60_000;
const tally = new FuzzTally(new Set(corpus.map(([language]) => language)));
console.log(
  `seed ${seed}, ${corpus.length} files in ${tally.languages} languages, ${values.minutes} minutes`,
);

let next = Number(values.only ?? values.from);
let left = values.only === undefined ? Number.MAX_SAFE_INTEGER : 1;
while (left > 0 && Date.now() < until) {
  const died = await runChild({ seed, from: next, until, count: left, corpus });
  if (died === null) break;
  const input = new FuzzCases(seed, corpus.map(readLater)).get(died.index);
  const { message } = died;
  const folder = saveFailure({
    seed,
    index: died.index,
    input,
    smallest: null,
    invariant: 'process dies',
    message,
  });
  tally.processDied({ index: died.index, path: input.path, message, folder });
  left -= died.index + 1 - next;
  next = died.index + 1;
}

console.log(tally.report());
if (values.only === undefined) {
  const results = { environment: environment(), seed, minutes: Number(values.minutes), ...tally.results() };
  writeFileSync(new URL('./results/fuzz.json', import.meta.url), `${JSON.stringify(results, null, 1)}\n`);
}
process.exitCode = tally.failures === 0 ? 0 : 1;

/** Runs inputs in a process of its own; null when it came to its end, else the input that it died over. */
function runChild(order: FuzzOrder): Promise<{ index: number; message: string } | null> {
  return new Promise((resolve) => {
    const child = fork(new URL('./lib/fuzz-child.ts', import.meta.url), {
      execArgv: ['--import', 'tsx', '--expose-gc'],
    });
    child.send(order);
    let index = order.from - 1;
    tally.newProcess();
    child.on('message', (message: FuzzMessage) => {
      index = message.index;
      if (message.type === 'ends') tally.add(message);
    });
    child.on('exit', (code, signal) => {
      if (code === 0) resolve(null);
      else if (index < order.from) throw new Error(`the fuzz process does not start (${signal ?? code})`);
      else resolve({ index, message: `ended with ${signal ?? code}` });
    });
  });
}

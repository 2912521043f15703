/**
 * A program that has an index open, in a process of its own: bench/idle.ts compiles this file and starts it. Searches,
 * then does nothing; says on stdout what it has come to.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const [library, tree, memory, queries, restSeconds] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const { openIndex } = (await import(library)) as typeof import('../../src/index.ts');
const say = (what: string) => process.stdout.write(`${what}\n`);
const WORDS = [
  'retry',
  'schedule',
  'decode',
  'stream',
  'fiber',
  'parse',
  'array',
  'option',
  'error',
  'layer',
];

await using index = await openIndex(tree, { memory });
await index.status();
say('opened');
await sleep(2000);
say('searching');
for (let i = 0; i < Number(queries); i++) {
  const query = `${WORDS[i % 10]} ${WORDS[(i * 7 + 3) % 10]} ${WORDS[(i * 3 + 5) % 10]}`;
  await index.search(query, { mode: i % 2 === 0 ? 'hybrid' : 'lexical' });
}
say('idle');
await sleep(Number(restSeconds) * 1000);
say('asked again');
const started = performance.now();
await index.search('interrupt a fiber');
say(`first ${performance.now() - started}`);
for (let i = 0; i < 5; i++) await index.search('interrupt a fiber');
const again = performance.now();
await index.search('interrupt a fiber');
say(`later ${performance.now() - again}`);

import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { write } from './index-runs.ts';

/** Old enough for a time stamp to be trusted. */
const LONG_AGO = new Date('2024-05-06T07:08:09Z');

/** Writes a file that has not been changed for long, so that its time stamp alone says that it is unchanged. */
export function writeOld(root: string, path: string, content: string | Uint8Array): void {
  write(root, path, content);
  utimesSync(join(root, path), LONG_AGO, LONG_AGO);
}

/** A function of about 150 tokens: two of them do not share a chunk. */
export function functionText(name: string, topic: string): string {
  const steps = Array.from(
    { length: 9 },
    (_, i) => `  const ${topic}${i} = compute${i}(${topic}, ${i}); // step ${i} of the ${topic}`,
  );
  return `/** Works on the ${topic}. */\nexport function ${name}(${topic}) {\n${steps.join('\n')}\n  return ${topic}8;\n}\n`;
}

/** A module of several functions. */
export function moduleText(names: readonly string[], topic: string): string {
  return names.map((name) => functionText(name, topic)).join('\n');
}

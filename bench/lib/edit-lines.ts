import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Lines go, come and are copied: what a day's work does to a file. It grows by the day, or stays about as long as `usual`,
 * in lines.
 */
export function editLines(path: string, random: () => number, usual?: number): void {
  const lines = readFileSync(path, 'utf8').split('\n');
  const at = Math.floor(random() * lines.length);
  const some = lines.slice(at, at + 12);
  const choice = random();
  const leaves = usual === undefined ? 0.3 : lines.length > usual ? 0.55 : 0.05;
  if (choice < leaves) lines.splice(at, usual === undefined ? 4 : some.length);
  else if (choice < 0.6) lines.splice(Math.floor(random() * lines.length), 0, ...some);
  else
    lines.splice(at, 0, `export const added${Math.floor(random() * 1e6)} = ${Math.floor(random() * 1e6)};`);
  writeFileSync(path, lines.join('\n'));
}

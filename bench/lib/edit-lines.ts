import { readFileSync, writeFileSync } from 'node:fs';

/** Lines go, come and move: what a day's work does to a file. */
export function editLines(path: string, random: () => number): void {
  const lines = readFileSync(path, 'utf8').split('\n');
  const at = Math.floor(random() * lines.length);
  const some = lines.slice(at, at + 12);
  const choice = random();
  if (choice < 0.3) lines.splice(at, 4);
  else if (choice < 0.6) lines.splice(Math.floor(random() * lines.length), 0, ...some);
  else
    lines.splice(at, 0, `export const added${Math.floor(random() * 1e6)} = ${Math.floor(random() * 1e6)};`);
  writeFileSync(path, lines.join('\n'));
}

import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { functionText, moduleText } from './fixtures.ts';
import { write } from './index-runs.ts';

const COLOURS = ['red', 'green', 'blue'];
const OTHER = 'other/renamed';

type Edit = (lines: string[], at: number, count: number, pick: (n: number) => number) => string[];

/** What people do to a text; each gets its lines, a place and a number of lines. */
const EDITS: Record<string, Edit> = {
  insert: (lines, at, _, pick) => lines.toSpliced(at, 0, `// a ${COLOURS[pick(3)]} line`),
  'insert above all': (lines) => ['', ...lines],
  delete: (lines, at, count) => lines.toSpliced(at, count),
  'change without moving anything': (lines, at) =>
    lines.with(
      at,
      (lines[at] ?? '').replace(/[a-z](?=[a-z]*$)/, (c) => (c === 'x' ? 'y' : 'x')),
    ),
  append: (lines, _, __, pick) => [...lines, functionText(`added${pick(1000)}`, COLOURS[pick(3)]!)],
  repeat: (lines, at, count, pick) => lines.toSpliced(pick(lines.length), 0, ...lines.slice(at, at + count)),
  move: (lines, at, count, pick) => {
    const rest = lines.toSpliced(at, count);
    return rest.toSpliced(pick(rest.length + 1), 0, ...lines.slice(at, at + count));
  },
  'cut off': (lines, at) => lines.slice(0, at),
  'blank lines at the end': (lines) => [...lines, '', ''],
};

/** A tree of a few files that is changed at random; the same numbers make the same changes. */
export class EditedTree {
  readonly #root: string;
  readonly #random: () => number;
  readonly #history = new Map<string, string[]>();
  readonly #paths: string[] = [];

  constructor(root: string, random: () => number) {
    this.#root = root;
    this.#random = random;
    for (const [i, colour] of COLOURS.entries()) {
      const names = Array.from({ length: 8 + 12 * i }, (_, k) => `${colour}Step${k}`);
      this.#write(`src/${colour}.ts`, moduleText(names, colour));
    }
    const section = (i: number) => `## Part ${i}\n\n${'The green boat is blue. '.repeat(30)}\n`;
    this.#write('README.md', `# Boats\n\n${Array.from({ length: 9 }, (_, i) => section(i)).join('\n')}`);
    this.#write('notes', 'a red line of no language\n'.repeat(200));
  }

  /** Makes up to three changes; tells which. */
  change(): string[] {
    return Array.from({ length: 1 + this.#pick(3) }, () => this.#changeOne());
  }

  #changeOne(): string {
    const path = this.#paths[this.#pick(this.#paths.length)]!;
    const target = join(this.#root, path);
    const what = this.#pick(20);
    if (what === 0 && this.#paths.length > 3) {
      rmSync(target);
      this.#paths.splice(this.#paths.indexOf(path), 1);
      return `delete ${path}`;
    }
    if (what === 1 && !path.startsWith(OTHER)) {
      const to = `${OTHER}-${path.replaceAll('/', '-')}`;
      const content = readFileSync(target);
      rmSync(target);
      this.#paths.splice(this.#paths.indexOf(path), 1);
      this.#write(to, content);
      return `rename ${path} to ${to}`;
    }
    if (what === 2) {
      this.#write(path, this.#pick(2) === 0 ? '' : Buffer.alloc(64));
      return `empty ${path}`;
    }
    if (what === 3) {
      utimesSync(target, new Date(), new Date());
      return `touch ${path}`;
    }
    const history = this.#history.get(path) ?? [];
    if (what <= 5 && history.length > 0) {
      this.#write(path, history[this.#pick(history.length)]!);
      return `bring back ${path}`;
    }
    const text = readFileSync(target, 'utf8');
    this.#history.set(path, [...history, text]);
    const lines = text.split('\n');
    const names = Object.keys(EDITS);
    const name = names[this.#pick(names.length)]!;
    const [at, count] = [this.#pick(lines.length), 1 + this.#pick(20)];
    writeFileSync(target, EDITS[name]!(lines, at, count, (n) => this.#pick(n)).join('\n'));
    return `${name}: ${path} line ${at + 1}`;
  }

  #write(path: string, content: string | Uint8Array): void {
    write(this.#root, path, content);
    if (!this.#paths.includes(path)) this.#paths.push(path);
  }

  #pick(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

import { write } from './index-runs.ts';

/** A small project in which each topic is in one place, and hardly any query word is in a name. */
const TREE: Record<string, string> = {
  'src/settings.ts': `import { readFile } from 'node:fs/promises';

export async function loadSettings(path: string): Promise<Settings> {
  const text = await readFile(path, 'utf8');
  return JSON.parse(text) as Settings;
}
`,
  'src/http.ts': `export async function fetchPage(url: string): Promise<string> {
  const response = await fetch(url, { redirect: 'follow' });
  if (!response.ok) throw new Error(\`status \${response.status}\`);
  return response.text();
}
`,
  'src/colors.ts': `export function mixColors(a: Rgb, b: Rgb): Rgb {
  return { red: (a.red + b.red) / 2, green: (a.green + b.green) / 2, blue: (a.blue + b.blue) / 2 };
}
`,
  'src/queue.ts': `export class PriorityQueue<T> {
  push(item: T, priority: number): void {
    this.heap.push({ item, priority });
    this.siftUp(this.heap.length - 1);
  }
}
`,
  'tools/matrix.py': `def multiply(a, b):
    """Matrix product of two nested lists."""
    return [[sum(x * y for x, y in zip(row, col)) for col in zip(*b)] for row in a]
`,
  'tools/password.py': `import hashlib

def hash_password(secret, salt):
    return hashlib.pbkdf2_hmac("sha256", secret, salt, 100000)
`,
  'lib/sort.go': `package lib

func InsertionSort(values []int) {
	for i := 1; i < len(values); i++ {
		for j := i; j > 0 && values[j] < values[j-1]; j-- {
			values[j], values[j-1] = values[j-1], values[j]
		}
	}
}
`,
  'docs/install.md': '# Installing\n\nUnpack the archive and put the binary on your PATH.\n',
  'docs/settings.md': '# Settings\n\nThe settings live in a JSON file, by default `settings.json`.\n',
  'notes.txt': 'Remember to water the plants on Friday.\n',
};

export const TREE_PATHS: readonly string[] = Object.keys(TREE);

export function writeSearchTree(root: string): void {
  for (const [path, text] of Object.entries(TREE)) write(root, path, text);
}

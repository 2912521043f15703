import { strict as assert } from 'node:assert';
import { after, describe, it } from 'node:test';
import type { Chunk } from '../../src/chunk/chunk.ts';
import { chunkSource } from '../../src/chunk/chunk-source.ts';
import { ParserPool } from '../../src/chunk/parser-pool.ts';
import { iterableSource } from '../../src/read/byte-source.ts';
import { assertCovers } from '../support/chunking.ts';

const pool = new ParserPool({ workers: 1 });
after(() => pool[Symbol.asyncDispose]());

async function chunks(path: string, text: string, windowBytes?: number): Promise<Chunk[]> {
  const bytes = Buffer.from(text);
  const all: Chunk[] = [];
  const batches = chunkSource(iterableSource([bytes]), {
    pool,
    path,
    ...(windowBytes === undefined ? {} : { windowBytes }),
  });
  for await (const batch of batches) all.push(...batch);
  assertCovers(bytes, all);
  return all;
}

/** `count` functions of `lines` lines each. */
function functions(count: number, lines: number, indent = ''): string {
  return Array.from({ length: count }, (_, i) =>
    [
      `function step${i}(input) {`,
      ...Array.from({ length: lines }, (_, j) => `  const value${j} = input.part${j} + compute(${i}, ${j});`),
      `  return value0;`,
      '}',
      '',
    ]
      .map((line) => indent + line)
      .join('\n'),
  ).join('\n');
}

function find(all: readonly Chunk[], part: string): Chunk {
  const chunk = all.find(({ text }) => text.includes(part));
  assert.ok(chunk, `a chunk has '${part}'`);
  return chunk;
}

const place = ({ startByte, endByte, language, symbol, scope }: Chunk) =>
  JSON.stringify([startByte, endByte, language, symbol, scope]);

describe('text in another language than the file around it', () => {
  const page = `<html><head>\n<style>\n${'.card > a { color: teal; margin: 0 auto; padding: 1em }\n'.repeat(40)}</style>
<script>\n${functions(12, 12)}</script>\n</head><body>\n${'<p>Some words about it.</p>\n'.repeat(60)}</body></html>\n`;

  it('scripts and styles of a page', async () => {
    const all = await chunks('page.html', page);
    const inside = find(all, 'function step5(');
    assert.equal(inside.language, 'javascript');
    assert.equal(inside.symbol, 'step5');
    assert.ok(inside.text.startsWith('function step5('), 'a function begins its chunk');
    assert.equal(find(all, 'margin: 0 auto').language, 'css');
    assert.equal(all.at(-1)!.language, 'html');
  });

  for (const [path, tag, language] of [
    ['a.html', '<script type="text/typescript">', 'typescript'],
    ['a.html', '<script type="application/ld+json">', 'json'],
    ['a.html', '<script type="text/x-unheard-of">', 'html'],
    ['a.vue', '<script setup lang="ts">', 'typescript'],
    ['a.vue', '<script>', 'javascript'],
    ['a.svelte', '<script lang="ts">', 'typescript'],
    ['a.svelte', '<script context="module">', 'javascript'],
  ]) {
    it(`${path} ${tag} is ${language}`, async () => {
      const body =
        language === 'json' ? `{"steps": [${'{"name": "a step"},\n'.repeat(100)}null]}` : functions(8, 12);
      const all = await chunks(path!, `${tag}\n${body}</script>\n`);
      const middle = all[all.length >> 1]!;
      assert.equal(middle.language, language);
    });
  }

  it('a fenced block in a document: small ones stay with their text, large ones follow their syntax', async () => {
    const text = `# Guide\n\n${'Some words on how to begin. '.repeat(20)}\n\nInstall it:\n\n\`\`\`bash\nnpm install it\n\`\`\`\n\n## Steps\n\n\`\`\`js\n${functions(8, 12)}\`\`\`\n\nThe end.\n`;
    const all = await chunks('guide.md', text);
    assert.equal(find(all, 'npm install').language, 'markdown');
    const inside = find(all, 'function step5(');
    assert.deepEqual(
      [inside.language, inside.kind, inside.symbol, inside.scope],
      ['javascript', 'docs', 'step5', 'Guide > Steps'],
    );
  });

  it('a fenced block in a quotation is read without the marks of the quotation', async () => {
    const quoted = functions(8, 12).replaceAll('\n', '\n> ');
    const all = await chunks('quoted.md', `# Guide\n\n> \`\`\`js\n> ${quoted}\n> \`\`\`\n`);
    assert.equal(find(all, 'function step5(').symbol, 'step5');
  });

  it('goes on over the edge of a window', async () => {
    for (const [path, text] of [
      [
        'page.html',
        page
          .replace('<style>', '')
          .replace(/\.card.*\n/g, '')
          .replace('</style>', ''),
      ],
      ['guide.md', `# Guide\n\n## Steps\n\n\`\`\`js\n${functions(40, 12)}\`\`\`\n\n## After\n\nThe end.\n`],
      [
        'deep.vue',
        `<script>\nexport class Outer {\n${functions(40, 12, '  ').replaceAll('function ', '')}}\n</script>\n`,
      ],
    ] as const) {
      const whole = (await chunks(path, text)).map(place);
      const windows = (await chunks(path, text, 8 * 1024)).map(place);
      const same = windows.filter((chunk) => whole.includes(chunk)).length;
      assert.ok(same >= 0.9 * whole.length, `${path}: ${same} of ${whole.length}`);
    }
  });
});

describe('documents are chunked by headings', () => {
  const words = `${'These are some words of prose that nobody will read twice. '.repeat(12)}\n\n`;

  const documents: Record<string, string> = {
    'a.md': `# One\n\n${words}## Two\n\n${words}### Three\n\n${words}## Four\n\n${words}# Five\n\n${words}`,
    'setext.md': `One\n===\n\n${words}Two\n---\n\n${words}### Three\n\n${words}Four\n----\n\n${words}Five\n====\n\n${words}`,
    'a.rst': `===\nOne\n===\n\n${words}Two\n===\n\n${words}Three\n-----\n\n${words}Four\n====\n\n${words}====\nFive\n====\n\n${words}`,
    'a.txt': `One\n===\n\n${words}Two\n---\n\n${words}Three\n~~~~~\n\n${words}Four\n----\n\n${words}Five\n====\n\n${words}`,
    'a.adoc': `= One\n\n${words}== Two\n\n${words}=== Three\n\n${words}== Four\n\n${words}= Five\n\n${words}`,
    'a.org': `* One\n\n${words}** Two\n\n${words}*** Three\n\n${words}** Four\n\n${words}* Five\n\n${words}`,
  };
  const expected = [
    ['One', null],
    ['Two', 'One'],
    ['Three', 'One > Two'],
    ['Four', 'One'],
    ['Five', null],
  ];

  for (const [path, text] of Object.entries(documents)) {
    it(`${path}, whole and in windows`, async () => {
      for (const windowBytes of [undefined, 2048]) {
        const found = (await chunks(path, text, windowBytes)).map(({ symbol, scope }) => [symbol, scope]);
        const distinct = found.filter((row, i) => String(row) !== String(found[i - 1]));
        assert.deepEqual(distinct, expected, `windows of ${windowBytes}`);
      }
    });
  }

  it('a rule, a table or a log is no heading', async () => {
    const text = `name  size\n----- ----\n\nfirst\n\n-----\n\n!!!\n===\n\n${'x'.repeat(300)}\n=====\n`;
    for (const { symbol } of await chunks('a.txt', text)) assert.equal(symbol, null);
  });

  it('takes time linear in the text', async () => {
    const time = async (n: number) => {
      const started = performance.now();
      await chunks('a.txt', '===\n---\n'.repeat(n) + 'a\n='.repeat(n));
      return performance.now() - started;
    };
    await time(1000);
    const small = await time(20_000);
    assert.ok((await time(160_000)) < 40 * small + 1000);
  });
});

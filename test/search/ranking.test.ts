import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { indexTerms } from '../../src/chunk/index-terms.ts';
import { lexicalQuery } from '../../src/search/question.ts';
import { RANKING } from '../../src/search/ranking.ts';
import { likeQuestion } from '../../src/search/related.ts';
import type { SearchOptions } from '../../src/search/search.ts';
import { openIndex, type TidemarkIndex } from '../../src/tidemark-index.ts';
import { update, write } from '../support/index-runs.ts';

const root = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
let index: TidemarkIndex;

/** Large enough that each makes a chunk of its own. */
const method = (name: string, body: string) =>
  `  ${name}(parcel: Parcel): void {\n${`    ${body};\n`.repeat(12)}  }\n`;

before(async () => {
  write(
    root,
    'src/router.ts',
    `export class Router {\n${['add', 'match', 'remove'].map((name) => method(name, `this.routes.${name}(parcel.address)`)).join('')}}\n`,
  );
  write(
    root,
    'src/server.ts',
    'import { Router } from "./router";\nconst router = new Router();\nrouter.match(Router);\n',
  );
  write(root, 'test/router.test.ts', 'class Router {}\ntest("Router", () => new Router().match(Router));\n');
  write(
    root,
    'src/invoice-formatter.ts',
    'export function print(text: string) {\n  return text.trim();\n}\n',
  );
  write(
    root,
    'src/paint.ts',
    '// formats a label\nexport function color(label: string) {\n  return label;\n}\n',
  );
  write(
    root,
    'vendor/paint.ts',
    '// formats a label\nexport function color(label: string) {\n  return label;\n}\n',
  );
  write(root, 'docs/routing.md', '# Router\n\nThe Router matches an address. A Router has routes.\n');
  write(
    root,
    'src/errors.ts',
    'export const A = "address not known";\nexport const B = "known: not an address";\n',
  );
  for (const version of ['v1', 'v2', 'v10'])
    write(root, `src/${version}/client.ts`, 'export class Client {\n  send(message: string) {}\n}\n');
  index = await openIndex(root);
  await update(index, { embed: false });
});
after(async () => {
  await index?.close();
  rmSync(root, { recursive: true });
});

async function paths(query: string, options: SearchOptions = {}): Promise<string[]> {
  const { hits } = await index.search(query, { mode: 'lexical', ...options });
  return hits.map(({ path }) => path);
}

test('a symbol is found where it is defined, then where it is used, tests and docs behind', async () => {
  const found = await paths('Router', { perFile: 1 });
  assert.deepEqual([found[0], found[1]], ['src/router.ts', 'src/server.ts']);
  assert.deepEqual(found.slice(2).sort(), ['docs/routing.md', 'test/router.test.ts']);
});

test('the last part of a qualified name is what is looked for, and the others say where', async () => {
  for (const query of ['Router.match', 'Router::match', 'Router#match()', 'router->match']) {
    const [first] = (await index.search(query, { mode: 'lexical' })).hits;
    assert.equal(first?.path, 'src/router.ts', query);
    assert.match(first!.text, /match\(parcel/, query);
  }
});

test('the words of a question find the file that is named after them', async () => {
  assert.equal((await paths('how are invoices formatted'))[0], 'src/invoice-formatter.ts');
});

test('copies come behind what they copy, and tests where they are asked for come first', async () => {
  const found = await paths('formats a label');
  assert.ok(found.indexOf('src/paint.ts') < found.indexOf('vendor/paint.ts'), found.join());
  assert.equal((await paths('test that new Router matches'))[0], 'test/router.test.ts');
});

test('older versions come behind the newest one, unless they are named', async () => {
  assert.equal((await paths('client send message'))[0], 'src/v10/client.ts');
  assert.equal((await paths('client of v2 that sends a message'))[0], 'src/v2/client.ts');
});

test('a path finds its file', async () => {
  assert.equal((await paths('src/paint.ts'))[0], 'src/paint.ts');
  assert.equal((await paths('vendor/paint.ts'))[0], 'vendor/paint.ts');
  assert.equal((await paths('router.test.ts'))[0], 'test/router.test.ts');
});

test('one file does not fill the list, and perFile bounds it', async () => {
  const found = await paths('router address');
  assert.notEqual(found[0], found[1]);
  assert.ok(found.filter((path) => path === 'src/router.ts').length > 1);
  const once = await paths('router address', { perFile: 1 });
  assert.deepEqual(once, [...new Set(found)]);
});

test('what is quoted has to be there as it is', async () => {
  const { hits } = await index.search('known address "Address not known"', { mode: 'lexical', limit: 1 });
  assert.match(hits[0]!.text, /address not known/);
});

test('the like of a place is found, without the place itself', async () => {
  const { hits, query } = await index.related('src/paint.ts', 2);
  assert.equal(query, 'src/paint.ts:2');
  assert.equal(hits[0]?.path, 'vendor/paint.ts');
  assert.ok(!hits.some(({ path }) => path === 'src/paint.ts'));
  for (const [path, line] of [
    ['src/absent.ts', 1],
    ['src/paint.ts', 99],
  ] as const)
    await assert.rejects(index.related(path, line), { code: 'ERR_TIDEMARK_NO_CHUNK' });
});

test('what is asked for of the like of a chunk are words that it was indexed by', () => {
  const chunk = {
    path: 'src/parse.ts',
    text: 'function parseResponse(database) { return database.release(response, false) }',
    symbol: 'parseResponse',
    definitions: 'function parseResponse',
  };
  const { terms } = lexicalQuery(likeQuestion(chunk), RANKING);
  const indexed = new Set(indexTerms(chunk).split(' '));
  const inText = terms.filter((term) => /^\w/.test(term));
  assert.ok(inText.length > 5);
  assert.deepEqual(
    inText.filter((term) => !indexed.has(term)),
    [],
  );
});

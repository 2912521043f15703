import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Parser, Tree, TreeCursor } from 'web-tree-sitter';
import type { GrammarSource } from '../../src/chunk/embedded.ts';
import { loadGrammar } from '../../src/chunk/grammar-loader.ts';
import { languageByName } from '../../src/chunk/languages.ts';
import { wasmParser } from '../../src/chunk/parse.ts';
import { chunkWindow, type WindowVersion } from '../../src/chunk/window.ts';
import { NO_SCOPE, type WindowRequest } from '../../src/chunk/window-request.ts';
import { seeded } from '../support/chunking.ts';

/** Counts what the real parser makes and what is given back, in this thread. */
function countLive(): { trees: number; cursors: number } {
  const live = { trees: 0, cursors: 0 };
  const { parse } = Parser.prototype;
  Parser.prototype.parse = function (...args) {
    const tree = parse.apply(this, args);
    if (tree !== null) live.trees++;
    return tree;
  };
  const { walk, delete: deleteTree } = Tree.prototype;
  Tree.prototype.walk = function () {
    live.cursors++;
    return walk.call(this);
  };
  Tree.prototype.delete = function () {
    live.trees--;
    deleteTree.call(this);
  };
  const { delete: deleteCursor } = TreeCursor.prototype;
  TreeCursor.prototype.delete = function () {
    live.cursors--;
    deleteCursor.call(this);
  };
  return live;
}

const FIXTURES = new URL('../fixtures/languages/', import.meta.url);
const FILES = {
  typescript: 'typescript.ts',
  python: 'python.py',
  ruby: 'ruby.rb',
  html: 'html.html',
  markdown: 'markdown.md',
  cpp: 'cpp.cpp',
};
const ROUNDS = 400;

const grammars: GrammarSource = async (language) => {
  const grammar = languageByName(language);
  return grammar?.wasm === undefined ? null : wasmParser(await loadGrammar(grammar));
};

test('every tree and cursor is given back, over thousands of windows, edits and errors', async () => {
  await loadGrammar(languageByName('json')!);
  const live = countLive();
  for (const [language, file] of Object.entries(FILES)) {
    const text = readFileSync(new URL(file, FIXTURES), 'utf8').repeat(3);
    const random = seeded(1);
    const request = (bytes: Buffer, last: boolean): WindowRequest => ({
      bytes,
      startByte: 0,
      startLine: 1,
      encoding: 'utf-8',
      language,
      kind: 'code',
      first: true,
      last,
      scope: random() < 0.5 ? NO_SCOPE : { headers: '{[(\n', names: [] },
      lexical: false,
      maxTokens: 64,
      path: file,
      indexed: false,
    });
    let version: WindowVersion | null = null;
    for (let round = 0; round < ROUNDS; round++) {
      const at = Math.floor(random() * text.length);
      // Insertions, windows that break off, brackets and quotes that open and never close.
      const inserted = ['\nx = 1\n', '{', '(((', '"""', '}'][round % 5];
      const edited = text.slice(0, at) + inserted + text.slice(at + (round % 7));
      const cut = round % 3 === 0 ? edited.slice(0, at + 100) : edited;
      const result = await chunkWindow(request(Buffer.from(cut), round % 2 === 0), grammars, version);
      assert.ok(result.chunks.length + result.before + result.after > 0);
      version = result.version;
      assert.equal(live.cursors, 0, `${language}, round ${round}`);
      assert.equal(live.trees, version.tree === null ? 0 : 1, `${language}, round ${round}`);
      // Now and then nobody goes on with it.
      if (round % 11 === 0) {
        version.tree?.[Symbol.dispose]();
        version = null;
        assert.equal(live.trees, 0);
      }
    }
    version?.tree?.[Symbol.dispose]();
  }
  assert.deepEqual(live, { trees: 0, cursors: 0 });
});

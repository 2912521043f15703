import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Node, Parser } from 'web-tree-sitter';
import { findDefinitions, grammars } from '../../grammars/index.ts';
import { loadGrammar } from '../../src/chunk/grammar-loader.ts';

const fixtures = new URL('../fixtures/languages/', import.meta.url);
const files = readdirSync(fixtures);

/** `[kind, name, first line, last line, scope?]`, lines from 1. */
type Row = readonly [string, string, number, number, string?];

function fixtureOf(name: string): string {
  const file = files.find((file) => file.startsWith(`${name}.`) && !file.endsWith('.expected.json'));
  assert.ok(file, `test/fixtures/languages has no file for ${name}`);
  return readFileSync(new URL(file, fixtures), 'utf8');
}

function broken(node: Node): string[] {
  if (node.isError || node.isMissing) return [`${node.type} on line ${node.startPosition.row + 1}`];
  return node.hasError ? node.children.flatMap((child) => broken(child)) : [];
}

describe('each grammar reads its fixture', () => {
  for (const grammar of grammars) {
    if (grammar.wasm === undefined) continue;
    it(grammar.name, async () => {
      const text = fixtureOf(grammar.name);
      const { language, query } = await loadGrammar(grammar);
      const parser = new Parser();
      const tree = parser.setLanguage(language).parse(text);
      try {
        assert.ok(tree);
        assert.deepEqual(broken(tree.rootNode), []);
        const definitions =
          query === null ? [] : findDefinitions(grammar, query, tree.rootNode, { signatures: true });
        const rows = definitions.map((definition): Row => {
          const { kind, name, startIndex, endIndex, scope } = definition;
          // Some grammars end a node after its last line break.
          const row = [kind, name, lineOf(text, startIndex), lineOf(text, endIndex - 1)] as const;
          return scope === undefined ? row : [...row, scope];
        });
        const expected: Row[] = JSON.parse(
          readFileSync(new URL(`${grammar.name}.expected.json`, fixtures), 'utf8'),
        );
        assert.deepEqual(rows, expected);
        for (const comment of grammar.comments) {
          assert.notEqual(language.idForNodeType(comment, true), null, `there is no node type ${comment}`);
        }
        for (const body of grammar.body ?? []) {
          const known = language.fieldIdForName(body) ?? language.idForNodeType(body, true);
          assert.notEqual(known, null, `there is neither a field nor a node type ${body}`);
        }
        assertSignatures(text, definitions);
      } finally {
        tree?.delete();
        parser.delete();
      }
    });
  }
});

/** 1-based. */
function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** A body begins inside its definition, after something; and a fixture's rows would not show if it did not. */
function assertSignatures(text: string, definitions: ReturnType<typeof findDefinitions>): void {
  for (const { name, startIndex, endIndex, bodyIndex } of definitions) {
    if (bodyIndex === undefined) continue;
    assert.ok(bodyIndex > startIndex && bodyIndex <= endIndex, `the body of ${name} lies outside of it`);
    assert.notEqual(text.slice(startIndex, bodyIndex).trim(), '', `${name} has no signature`);
  }
}

describe('signatures', () => {
  const expected: Record<string, Record<string, string>> = {
    typescript: {
      convert: 'function convert(amount: Money, to: Currency): Money',
      sum: 'const sum = <T extends Money>(all: readonly T[]): number =>',
      Cents: 'export class Cents extends Amount<number> implements Money'.slice('export '.length),
    },
    python: { read: 'async def read(path: str, *, limit: int = MAX_LINES):', Entry: 'class Entry:' },
    rust: {
      push: 'pub fn push(&mut self, item: T) -> Result<(), StackError>',
      Stack: 'impl<T: Clone> Stack<T>',
    },
    dart: { roll: 'int roll()', main: 'void main()' },
    kotlin: { Rose: 'data class Rose(override val name: String) : Plant' },
    ruby: { open: 'def self.open(owner, &block)' },
  };
  for (const [name, signatures] of Object.entries(expected)) {
    it(name, async () => {
      const grammar = grammars.find((grammar) => grammar.name === name);
      assert.ok(grammar);
      const text = fixtureOf(name);
      const { language, query } = await loadGrammar(grammar);
      assert.ok(query);
      const parser = new Parser();
      const tree = parser.setLanguage(language).parse(text);
      assert.ok(tree);
      const found = new Map<string, string>();
      for (const definition of findDefinitions(grammar, query, tree.rootNode, { signatures: true })) {
        const { bodyIndex, startIndex } = definition;
        if (bodyIndex !== undefined) found.set(definition.name, text.slice(startIndex, bodyIndex).trim());
      }
      tree.delete();
      parser.delete();
      for (const [symbol, signature] of Object.entries(signatures)) {
        assert.equal(found.get(symbol), signature);
      }
    });
  }
});

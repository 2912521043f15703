import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Grammar, grammars } from '../../grammars/index.ts';

/** What two languages both claim; the later of them would win in silence. */
function claimedTwice(claims: (grammar: Grammar) => readonly string[]): string[] {
  const owner = new Map<string, string>();
  const twice: string[] = [];
  for (const grammar of grammars) {
    for (const claim of claims(grammar)) {
      const other = owner.get(claim);
      if (other !== undefined) twice.push(`${claim}: ${other} and ${grammar.name}`);
      owner.set(claim, grammar.name);
    }
  }
  return twice;
}

describe('the list of languages', () => {
  it('gives each name, extension, file name and interpreter to one language', () => {
    assert.deepEqual(
      claimedTwice(({ name, aliases = [] }) => [name, ...aliases]),
      [],
    );
    assert.deepEqual(
      claimedTwice(({ extensions }) => extensions),
      [],
    );
    assert.deepEqual(
      claimedTwice(({ filenames = [] }) => filenames),
      [],
    );
    assert.deepEqual(
      claimedTwice(({ shebangs = [] }) => shebangs),
      [],
    );
  });

  it('spells them as the look-up does', () => {
    for (const { name, aliases = [], extensions, shebangs = [] } of grammars) {
      for (const text of [name, ...aliases, ...extensions, ...shebangs])
        assert.equal(text, text.toLowerCase());
      for (const extension of extensions) assert.match(extension, /^\.[^/]+$/);
    }
  });

  it('has the languages that the documentation promises, each with a parser', () => {
    const promised =
      'typescript tsx javascript python rust go c cpp java csharp ruby php bash kotlin swift scala lua haskell ' +
      'elixir zig html css json yaml toml markdown';
    const parsed = new Set(grammars.filter(({ wasm }) => wasm !== undefined).map(({ name }) => name));
    assert.deepEqual(
      promised.split(' ').filter((name) => !parsed.has(name)),
      [],
    );
  });

  it('holds the parsers that its README says it holds', () => {
    const directory = new URL('../../grammars/wasm/', import.meta.url);
    const readme = readFileSync(new URL('README.md', directory), 'utf8');
    const stated = [...readme.matchAll(/^\| (\S+\.wasm) \|.*\| ([0-9a-f]{64}) \|$/gm)];
    const found = readdirSync(directory)
      .filter((file) => file.endsWith('.wasm'))
      .map((file) => [file, sha256(readFileSync(new URL(file, directory)))]);
    assert.ok(found.length > 0);
    assert.deepEqual(found.sort(), stated.map(([, file, sum]) => [file, sum]).sort());
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

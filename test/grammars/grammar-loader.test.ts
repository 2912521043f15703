import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Parser } from 'web-tree-sitter';
import type { Grammar } from '../../grammars/index.ts';
import { grammar as json } from '../../grammars/json.ts';
import { grammar as toml } from '../../grammars/toml.ts';
import { compileGrammar, GrammarError } from '../../src/chunk/compile-grammar.ts';
import { guardStack, initRuntime, loadGrammar, runtimeHeapBytes } from '../../src/chunk/grammar-loader.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'tidemark-grammars-'));
after(() => rmSync(directory, { recursive: true }));

function grammarOf(name: string, bytes: Uint8Array | string): Grammar {
  const path = join(directory, `${name}.wasm`);
  writeFileSync(path, bytes);
  return {
    name,
    extensions: [],
    kind: 'code',
    comments: [],
    wasm: { package: 'tidemark', file: relative(root, path) },
  };
}

/** A section of a WebAssembly file: its id, its length (all are short), its content. */
function section(id: number, content: number[]): number[] {
  return [id, content.length, ...content];
}

function text(value: string): number[] {
  return [value.length, ...Buffer.from(value)];
}

const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const dylink = section(0, [...text('dylink.0'), 1, 4, 0, 0, 0, 0]);

/** A side module that imports the function `() => void` called `name` and has nothing else. */
function importing(name: string): Uint8Array {
  const types = section(1, [1, 0x60, 0, 0]);
  return Uint8Array.from([
    ...header,
    ...dylink,
    ...types,
    ...section(2, [1, ...text('env'), ...text(name), 0, 0]),
  ]);
}

function refused(pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof GrammarError);
    assert.equal(error.code, 'ERR_TIDEMARK_GRAMMAR');
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  };
}

describe('compileGrammar', () => {
  it('refuses a parser that wants what the runtime lacks', async () => {
    const grammar = grammarOf('wanting', importing('atoi'));
    await assert.rejects(compileGrammar(grammar), refused(/^the wanting grammar .*the runtime has no atoi$/));
    await assert.rejects(loadGrammar(grammar), refused(/no atoi/));
  });

  it('accepts what the runtime has and what is supplied to it', async () => {
    for (const name of ['malloc', 'iswspace', '__assert_fail', 'abort', 'fd_write']) {
      await compileGrammar(grammarOf(`has-${name}`, importing(name)));
    }
  });

  it('refuses a file for an older runtime, a damaged one, a missing one, and a language without one', async () => {
    await assert.rejects(
      compileGrammar(grammarOf('older', Uint8Array.from(header))),
      refused(/older runtime/),
    );
    await assert.rejects(compileGrammar(grammarOf('damaged', 'not wasm')), refused(/cannot be read/));
    const missing = { ...json, wasm: { package: 'tidemark', file: 'grammars/wasm/none.wasm' } };
    await assert.rejects(compileGrammar(missing), refused(/none\.wasm cannot be read/));
    const uninstalled = { ...json, wasm: { package: 'tidemark-no-such-package', file: 'a.wasm' } };
    await assert.rejects(compileGrammar(uninstalled), refused(/cannot be read, reinstall/));
    const { wasm: _, ...plain } = json;
    await assert.rejects(compileGrammar(plain), refused(/no parser/));
  });
});

describe('loadGrammar', () => {
  it('makes each language and query once', async () => {
    const [first, second] = await Promise.all([loadGrammar(json), loadGrammar(json)]);
    assert.equal(first, second);
    assert.equal(await loadGrammar(json), first);
    const heap = runtimeHeapBytes();
    for (let i = 0; i < 1000; i++) await loadGrammar(json);
    assert.equal(runtimeHeapBytes(), heap);
  });

  it('remembers a failure', async () => {
    const grammar = grammarOf('mended', 'not wasm');
    await assert.rejects(loadGrammar(grammar), refused(/cannot be read/));
    copyFileSync(join(root, 'grammars/wasm/tree-sitter-toml.wasm'), join(directory, 'mended.wasm'));
    await compileGrammar(grammar);
    await assert.rejects(loadGrammar(grammar), refused(/cannot be read/));
  });

  it('says what is wrong with a query', async () => {
    const wrong = { ...json, definitions: '(no_such_node) @definition.key' };
    await assert.rejects(loadGrammar(wrong), refused(/its query is wrong: .*no_such_node/));
  });

  it('refuses a module that is no parser', async () => {
    await assert.rejects(loadGrammar(grammarOf('empty', importing('malloc'))), refused(/does not link/));
  });
});

describe('guardStack', () => {
  it('lets a parser outlive more exceptions than its stack would', async () => {
    const { language } = await loadGrammar(toml);
    const parser = new Parser().setLanguage(language);
    const thrown = new Error('no more input');
    for (let i = 0; i < 500; i++) {
      assert.throws(
        () =>
          guardStack(() =>
            parser.parse(() => {
              throw thrown;
            }),
          ),
        thrown,
      );
      parser.reset();
    }
    const tree = parser.parse('[table]\nkey = "value"\n');
    assert.equal(tree?.rootNode.hasError, false);
    tree?.delete();
    parser.delete();
  });

  it('returns what the call returns', () => {
    assert.equal(
      guardStack(() => 7),
      7,
    );
  });
});

describe('a worker', () => {
  it('parses with a module that another thread compiled, under its own cap on the heap', async () => {
    const module = await compileGrammar(json);
    // A worker does not inherit the hooks that let this thread import TypeScript.
    const entry = new URL('parse-worker.ts', import.meta.url).href;
    const start = `import('tsx/esm/api').then(({ register }) => { register(); return import('${entry}'); });`;
    const worker = new Worker(start, {
      eval: true,
      workerData: { module, maximumPages: 640, text: `[${'{"key": [1, 2]},'.repeat(200_000)} 3]` },
    });
    const { small, failure, heap } = await new Promise<{ small: boolean; failure: string; heap: number }>(
      (resolve, reject) => worker.once('message', resolve).once('error', reject),
    );
    await worker.terminate();
    assert.equal(small, true);
    assert.match(failure, /RuntimeError/);
    assert.ok(heap > 32 * 65_536 && heap <= 640 * 65_536, `${heap} bytes`);
  });

  it('starts its runtime once, whatever is asked later', async () => {
    await initRuntime();
    const before = runtimeHeapBytes();
    await initRuntime({ maximumPages: 512 });
    assert.equal(runtimeHeapBytes(), before);
    assert.ok(before >= 512 * 65_536);
  });
});

describe('every file that a grammar names', () => {
  it('is WebAssembly made for this runtime', async () => {
    const { grammars } = await import('../../grammars/index.ts');
    const packages = new Set(grammars.flatMap(({ wasm }) => (wasm === undefined ? [] : [wasm.package])));
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const name of packages) {
      assert.ok(name === manifest.name || name in manifest.dependencies, `${name} is not a dependency`);
    }
    for (const grammar of grammars) if (grammar.wasm !== undefined) await compileGrammar(grammar);
  });
});

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Grammar, GrammarWasm } from '../../grammars/grammar.ts';
import { TidemarkError } from '../errors.ts';
import { compileModule } from './wasm-code.ts';

/** A checked `WebAssembly.Module`; it can be posted to workers, which then share its machine code. */
export type CompiledGrammar = WebAssembly.Module;

/** A parser that cannot be used: absent, damaged, made for another runtime, or at odds with its query. */
export class GrammarError extends TidemarkError {
  readonly grammar: string;

  constructor(grammar: string, what: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_GRAMMAR', `the ${grammar} grammar cannot be loaded: ${what}`, options);
    this.grammar = grammar;
  }
}

const require = createRequire(import.meta.url);

/** What C code calls when it finds itself broken. The runtime has no such functions, many scanners want them. */
export const supplied: Record<string, (...args: unknown[]) => never> = {
  __assert_fail: () => {
    throw new WebAssembly.RuntimeError('an assertion in the grammar failed');
  },
  abort: () => {
    throw new WebAssembly.RuntimeError('the grammar aborted');
  },
};

let runtime: Promise<WebAssembly.Module> | undefined;

/** The runtime that grammars are linked with, compiled once. */
export function compileRuntime(): Promise<WebAssembly.Module> {
  runtime ??= readFile(require.resolve('web-tree-sitter/web-tree-sitter.wasm'))
    .then((bytes) => WebAssembly.compile(bytes))
    .catch((error: unknown) => {
      // What was short a moment ago, file handles or memory, may be there when it is asked for again.
      runtime = undefined;
      throw error;
    });
  return runtime;
}

/**
 * Compiles a grammar's parser and checks that the runtime has all that it imports: a symbol that is missing
 * would otherwise throw in the middle of some later parse. Needs no runtime in the calling thread.
 */
export async function compileGrammar(grammar: Grammar): Promise<CompiledGrammar> {
  const { wasm } = grammar;
  if (wasm === undefined) throw new GrammarError(grammar.name, 'it has no parser, chunk its files by lines');
  let module: WebAssembly.Module;
  try {
    module = await compileModule(await readFile(locate(wasm)));
  } catch (cause) {
    const what = `${wasm.package}/${wasm.file} cannot be read, reinstall the dependencies`;
    throw new GrammarError(grammar.name, what, { cause });
  }
  await checkImports(grammar.name, module);
  return module;
}

/** Path of a parser's `.wasm`. @throws where its package is not installed */
export function locate(wasm: GrammarWasm): string {
  return join(dirname(require.resolve(`${wasm.package}/package.json`)), wasm.file);
}

async function checkImports(name: string, module: WebAssembly.Module): Promise<void> {
  if (WebAssembly.Module.customSections(module, 'dylink.0').length === 0) {
    throw new GrammarError(name, 'it was built for an older runtime (no dylink.0 section)');
  }
  const main = await compileRuntime();
  const known = new Set(Object.keys(supplied));
  for (const { name } of WebAssembly.Module.exports(main)) known.add(name);
  for (const { name } of WebAssembly.Module.imports(main)) known.add(name);
  for (const { name } of WebAssembly.Module.exports(module)) known.add(name);
  const missing = WebAssembly.Module.imports(module).filter(({ name }) => !known.has(name));
  if (missing.length > 0) {
    const names = missing.map((symbol) => symbol.name).join(', ');
    throw new GrammarError(name, `the runtime has no ${names}`);
  }
}

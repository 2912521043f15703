import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { LANGUAGE_VERSION, Language, MIN_COMPATIBLE_VERSION, Parser, Query } from 'web-tree-sitter';
import type { Grammar, GrammarWasm } from '../../grammars/grammar.ts';
import { TidemarkError } from '../errors.ts';
import { INITIAL_PAGES } from './parser-heap.ts';
import { compileModule } from './wasm-code.ts';

/** A checked `WebAssembly.Module`; it can be posted to workers, which then share its machine code. */
export type CompiledGrammar = WebAssembly.Module;

export interface LoadedGrammar {
  readonly grammar: Grammar;
  readonly language: Language;
  /** For definitions, and for text in other languages. They live until the thread ends. */
  readonly query: Query | null;
  readonly embedded: Query | null;
}

/** A parser that cannot be used: absent, damaged, made for another runtime, or at odds with its query. */
export class GrammarError extends TidemarkError {
  readonly grammar: string;

  constructor(grammar: string, what: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_GRAMMAR', `the ${grammar} grammar cannot be loaded: ${what}`, options);
    this.grammar = grammar;
  }
}

const MAXIMUM_PAGES = 32_768;

const require = createRequire(import.meta.url);

/** What C code calls when it finds itself broken. The runtime has no such functions, many scanners want them. */
const supplied: Record<string, (...args: unknown[]) => never> = {
  __assert_fail: () => {
    throw new WebAssembly.RuntimeError('an assertion in the grammar failed');
  },
  abort: () => {
    throw new WebAssembly.RuntimeError('the grammar aborted');
  },
};

type Allocate = (count: number, size: number) => number;

/**
 * Allocation for the grammars' scanners, so that none reads what an earlier parse left behind: Swift's asks for no
 * elements of four bytes and reads them as its state. The same text would come out in one way or another.
 */
function zeroed(exports: () => Record<string, unknown>): Record<string, (...args: number[]) => number> {
  const calloc: Allocate = (count, size) => (exports().calloc as Allocate)(Math.max(1, count), size);
  return { calloc: (count, size) => calloc(count!, size!), malloc: (size) => calloc(1, size!) };
}

interface Runtime {
  readonly memory: WebAssembly.Memory;
  readonly saveStack: () => number;
  readonly restoreStack: (pointer: number) => void;
}

let runtimeModule: Promise<WebAssembly.Module> | undefined;
let runtime: Promise<Runtime> | undefined;
let started: Runtime | undefined;
const loaded = new Map<Grammar, Promise<LoadedGrammar>>();

function compileRuntime(): Promise<WebAssembly.Module> {
  runtimeModule ??= readFile(require.resolve('web-tree-sitter/web-tree-sitter.wasm')).then((bytes) =>
    WebAssembly.compile(bytes),
  );
  return runtimeModule;
}

/**
 * Starts the parser runtime of this thread, once: later calls return the first one's promise and their
 * options are not looked at. The heap starts at 32 MiB, never shrinks, and may grow to `maximumPages` pages
 * of 64 KiB (at least 512, default and at most 32,768 = 2 GiB); past that a parse throws `RuntimeError`.
 */
export function initRuntime(options: { readonly maximumPages?: number } = {}): Promise<void> {
  runtime ??= startRuntime(options.maximumPages ?? MAXIMUM_PAGES);
  return runtime.then(() => undefined);
}

async function startRuntime(maximumPages: number): Promise<Runtime> {
  const module = await compileRuntime();
  const maximum = Math.min(MAXIMUM_PAGES, Math.max(INITIAL_PAGES, Math.floor(maximumPages)));
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum });
  let exports: Record<string, unknown> = {};
  await Parser.init({
    wasmMemory: memory,
    // What aborts throws as well: that is what is told.
    printErr: () => {},
    instantiateWasm(
      imports: { env: Record<string, unknown> },
      receive: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ) {
      // Grammars are linked against this very object, so it is the place to add what they lack.
      Object.assign(
        imports.env,
        supplied,
        zeroed(() => exports),
      );
      const instance = new WebAssembly.Instance(module, imports);
      exports = instance.exports;
      receive(instance, module);
      return exports;
    },
  });
  started = {
    memory,
    saveStack: exports.emscripten_stack_get_current as () => number,
    restoreStack: exports._emscripten_stack_restore as (pointer: number) => void,
  };
  return started;
}

/** Bytes that this thread's parser heap holds now; 0 before {@link initRuntime}. */
export function runtimeHeapBytes(): number {
  return started?.memory.buffer.byteLength ?? 0;
}

/**
 * Runs `call`, which calls into the parser, and puts the parser's stack pointer back if it throws. An exception
 * that unwinds through WebAssembly leaves its frames on a stack of 64 KiB: some sixty of them break the heap.
 */
export function guardStack<T>(call: () => T): T {
  if (started === undefined) return call();
  const pointer = started.saveStack();
  try {
    return call();
  } catch (error) {
    started.restoreStack(pointer);
    throw error;
  }
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

function locate(wasm: GrammarWasm): string {
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

/**
 * The grammar, ready to parse in this thread; starts the runtime if nobody has. Each is made once, because
 * loading one again leaks the first, and a failure is remembered too. They live until the thread ends.
 *
 * @param module what {@link compileGrammar} gave in another thread; absent, it is compiled here.
 * @throws {GrammarError} if the parser or its query cannot be used.
 */
export function loadGrammar(grammar: Grammar, module?: CompiledGrammar): Promise<LoadedGrammar> {
  let loading = loaded.get(grammar);
  if (loading === undefined) {
    loading = load(grammar, module);
    loaded.set(grammar, loading);
  }
  return loading;
}

async function load(grammar: Grammar, module?: CompiledGrammar): Promise<LoadedGrammar> {
  await initRuntime();
  const checked = module ?? (await compileGrammar(grammar));
  let language: Language;
  try {
    language = guardStack(() => Language.loadSync(checked));
  } catch (cause) {
    throw new GrammarError(grammar.name, 'it does not link with the runtime', { cause });
  }
  const abi = language.abiVersion;
  if (abi < MIN_COMPATIBLE_VERSION || abi > LANGUAGE_VERSION) {
    const range = `${MIN_COMPATIBLE_VERSION} to ${LANGUAGE_VERSION}`;
    throw new GrammarError(grammar.name, `its ABI is ${abi}, the runtime reads ${range}`);
  }
  const queryOf = (text: string | undefined) => (text === undefined ? null : new Query(language, text));
  try {
    return { grammar, language, query: queryOf(grammar.definitions), embedded: queryOf(grammar.embedded) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GrammarError(grammar.name, `its query is wrong: ${reason}`, { cause });
  }
}

import { LANGUAGE_VERSION, Language, MIN_COMPATIBLE_VERSION, Parser, Query } from 'web-tree-sitter';
import type { Grammar } from '../../grammars/grammar.ts';
import {
  type CompiledGrammar,
  compileGrammar,
  compileRuntime,
  GrammarError,
  supplied,
} from './compile-grammar.ts';
import { INITIAL_PAGES } from './parser-heap.ts';

export interface LoadedGrammar {
  readonly grammar: Grammar;
  readonly language: Language;
  /** For definitions, and for text in other languages. They live until the thread ends. */
  readonly query: Query | null;
  readonly embedded: Query | null;
}

const MAXIMUM_PAGES = 32_768;
/** Where one word of each 64 bytes is zero for so many words, 1 MiB, the heap above was never in use. */
const ZERO_WORDS = 2 ** 18;
const WORD_STEP = 16;

type Compile = (grammar: Grammar) => Promise<CompiledGrammar>;
type Allocate = (count: number, size: number) => number;

/**
 * Allocation for the grammars' scanners, so that none reads what an earlier parse left behind: Swift's asks for no
 * elements of four bytes and reads them as its state. The same text would come out in one way or another.
 */
function zeroed(exports: () => Record<string, unknown>): Record<string, (...args: number[]) => number> {
  const calloc: Allocate = (count, size) => (exports().calloc as Allocate)(Math.max(1, count), size);
  return { calloc: (count, size) => calloc(count!, size!), malloc: (size) => calloc(1, size!) };
}

interface RuntimeOptions {
  readonly maximumPages?: number;
  /** Gives the runtime's code; by default it is compiled here. */
  readonly compile?: () => Promise<WebAssembly.Module>;
}

interface Runtime {
  readonly memory: WebAssembly.Memory;
  readonly saveStack: () => number;
  readonly restoreStack: (pointer: number) => void;
  /** Below it the heap was in use. */
  usedWords: number;
}

let runtime: Promise<Runtime> | undefined;
let started: Runtime | undefined;
const loaded = new Map<Grammar, Promise<LoadedGrammar>>();

/**
 * Starts the parser runtime of this thread, once: later calls return the first one's promise and their
 * options are not looked at. The heap starts at 32 MiB, never shrinks, and may grow to `maximumPages` pages
 * of 64 KiB (at least 512, default and at most 32,768 = 2 GiB); past that a parse throws `RuntimeError`.
 */
export function initRuntime(options: RuntimeOptions = {}): Promise<void> {
  runtime ??= startRuntime(options);
  return runtime.then(() => undefined);
}

async function startRuntime({
  maximumPages = MAXIMUM_PAGES,
  compile = compileRuntime,
}: RuntimeOptions): Promise<Runtime> {
  const module = await compile();
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
    usedWords: 0,
  };
  return started;
}

/** Bytes that this thread's parser heap holds now; 0 before {@link initRuntime}. */
export function runtimeHeapBytes(): number {
  return started?.memory.buffer.byteLength ?? 0;
}

/**
 * Bytes of this thread's parser heap that were ever in use, which is what of it is resident: above them all is zero, as it
 * began. 0 before {@link initRuntime}.
 */
export function usedHeapBytes(): number {
  if (started === undefined) return 0;
  const words = new Uint32Array(started.memory.buffer);
  for (let at = started.usedWords; at < words.length && at < started.usedWords + ZERO_WORDS; at += WORD_STEP)
    if (words[at] !== 0) started.usedWords = at + WORD_STEP;
  return started.usedWords * words.BYTES_PER_ELEMENT;
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
 * The grammar, ready to parse in this thread; starts the runtime if nobody has. Each is made once, because
 * loading one again leaks the first, and a failure is remembered too. They live until the thread ends.
 *
 * @param compile gives the parser's code, as {@link compileGrammar} does, which is the default: what another thread has
 *   compiled need not be compiled here.
 * @throws {GrammarError} if the parser or its query cannot be used.
 */
export function loadGrammar(grammar: Grammar, compile: Compile = compileGrammar): Promise<LoadedGrammar> {
  let loading = loaded.get(grammar);
  if (loading === undefined) {
    loading = load(grammar, compile);
    loaded.set(grammar, loading);
  }
  return loading;
}

async function load(grammar: Grammar, compile: Compile): Promise<LoadedGrammar> {
  await initRuntime();
  const module = await compile(grammar);
  let language: Language;
  try {
    language = guardStack(() => Language.loadSync(module));
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

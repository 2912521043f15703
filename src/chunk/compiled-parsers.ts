import { stat } from 'node:fs/promises';
import type { Grammar } from '../../grammars/grammar.ts';
import { type CompiledGrammar, compileGrammar, locate } from './compile-grammar.ts';

/**
 * Of the `.wasm` of those that are kept; their machine code comes on top. A usual language takes 0.2 to 1.5 MB: with four
 * times as much the parsers of Linux's rarer languages gathered over a run, 8 MB of them.
 */
const MOST_BYTES = 4 * 1024 * 1024;

interface Kept {
  module: Promise<CompiledGrammar>;
  /** 0 until it is compiled. */
  bytes: number;
}

/** Those used last come last. */
const kept = new Map<Grammar, Kept>();

/**
 * A grammar's parser, compiled by this thread once for all threads that parse, however many of them come and go. What a
 * thread compiles by itself the engine never gives back whole: tens of kilobytes stay of each thread that did.
 *
 * @throws {GrammarError}
 */
export function compiledParser(grammar: Grammar): Promise<CompiledGrammar> {
  const entry = kept.get(grammar) ?? compile(grammar);
  kept.delete(grammar);
  kept.set(grammar, entry);
  return entry.module;
}

/** Lets all go that no thread uses; who needs one has it compiled again. */
export function forgetParsers(): void {
  kept.clear();
}

function compile(grammar: Grammar): Kept {
  const entry: Kept = { module: compileGrammar(grammar), bytes: 0 };
  entry.module = entry.module
    .then(async (module) => {
      entry.bytes = (await stat(locate(grammar.wasm!))).size;
      dropOldest();
      return module;
    })
    .catch((error: unknown) => {
      // Whoever asks again may find it repaired.
      if (kept.get(grammar) === entry) kept.delete(grammar);
      throw error;
    });
  return entry;
}

function dropOldest(): void {
  let total = 0;
  for (const { bytes } of kept.values()) total += bytes;
  for (const [grammar, { bytes }] of kept) {
    // One is kept whatever its size.
    if (total <= MOST_BYTES || kept.size === 1) break;
    kept.delete(grammar);
    total -= bytes;
  }
}

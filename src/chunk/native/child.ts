import type { Grammar } from '../../../grammars/grammar.ts';
import { nativeGrammars } from '../../../grammars/native.ts';
import { initRuntime, loadGrammar } from '../grammar-loader.ts';
import { languageByName } from '../languages.ts';
import { wasmParser } from '../parse.ts';
import { PARSER_PAGES } from '../parser-heap.ts';
import { serveWindow } from '../serve-window.ts';
import type { SyntaxParser } from '../syntax-parser.ts';
import { loadBinding, type NativeBinding } from './binding.ts';
import type { NativeReply, NativeRequest, NativeSupport } from './protocol.ts';
import { NativeSyntaxParser } from './syntax-parser.ts';

/** Entry point of a process that parses with the native binding, and by WebAssembly what that cannot. */

type Message = NativeRequest & { readonly id: number };

let queue: Promise<void> = Promise.resolve();

// Ctrl-C goes to the whole process group; the parent decides what it means.
process.on('SIGINT', () => {});
// The parent is gone: there is nobody to answer.
process.on('disconnect', () => process.exit(0));
process.on('message', (message: Message) => {
  queue = queue.then(() => serve(message));
});

async function serve(message: Message): Promise<void> {
  const reply = await answer(message);
  // A parent that went away while this was computed is noticed by 'disconnect'.
  process.send?.({ ...reply, id: message.id }, undefined, {}, () => {});
}

let binding: NativeBinding | null = null;
const parsers = new Map<Grammar, Promise<SyntaxParser>>();

async function answer(request: NativeRequest): Promise<NativeReply> {
  try {
    binding ??= loadBinding();
  } catch (error) {
    return { type: 'unavailable', message: error instanceof Error ? error.message : String(error) };
  }
  if (request.type === 'probe') return { type: 'support', support: probe(binding) };
  const { window, wasmOnly } = request;
  return serveWindow({ window, version: null }, wasmOnly ? byWasm : load, process.memoryUsage.rss);
}

function probe(loaded: NativeBinding): NativeSupport {
  const languages: string[] = [];
  const missing: { language: string; reason: string }[] = [];
  for (const language of nativeGrammars.keys()) {
    try {
      native(loaded, languageByName(language)!);
      languages.push(language);
    } catch (error) {
      missing.push({ language, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { languages, missing };
}

function load(grammar: Grammar): Promise<SyntaxParser> {
  let parser = parsers.get(grammar);
  if (parser === undefined) {
    parser = loadEither(grammar);
    parsers.set(grammar, parser);
  }
  return parser;
}

async function loadEither(grammar: Grammar): Promise<SyntaxParser> {
  if (nativeGrammars.has(grammar.name)) {
    try {
      return native(binding!, grammar);
    } catch {
      // Whoever wants to know asks `probe`.
    }
  }
  return byWasm(grammar);
}

function native(loaded: NativeBinding, grammar: Grammar): SyntaxParser {
  return new NativeSyntaxParser(loaded, grammar, nativeGrammars.get(grammar.name)!, () => byWasm(grammar));
}

async function byWasm(grammar: Grammar): Promise<SyntaxParser> {
  await initRuntime({ maximumPages: PARSER_PAGES });
  return wasmParser(await loadGrammar(grammar));
}

import type { Grammar } from '../../grammars/grammar.ts';
import { languageByName } from './languages.ts';
import type { WindowCall, WorkerReply } from './parser-thread.ts';
import type { SyntaxParser } from './syntax-parser.ts';
import { chunkWindow, type WindowVersion } from './window.ts';

/** A tree takes up to some 50 bytes a byte of its window. */
const MAX_VERSIONS = 8;
const versions = new Map<number, WindowVersion>();

/**
 * What a thread or process that parses does for its owner: windows in, chunks out. Nothing is kept in between but the
 * loaded grammars and, of a document that is being edited, the last few windows. Never rejects.
 *
 * @param load gives a grammar ready to parse; rejects where it cannot be used
 * @param heldBytes memory that it holds between windows, and gives back only when it ends
 */
export async function serveWindow(
  { window, version: key }: WindowCall,
  load: (grammar: Grammar) => Promise<SyntaxParser>,
  heldBytes: () => number,
): Promise<WorkerReply> {
  try {
    let missing = false;
    const earlier = key === null ? undefined : versions.get(key);
    if (key !== null) versions.delete(key);
    const grammars = async (language: string) => {
      const grammar = languageByName(language);
      if (grammar?.wasm === undefined) return null;
      try {
        return await load(grammar);
      } catch {
        missing ||= language === window.language;
        return null;
      }
    };
    const { version, ...result } = await chunkWindow(window, grammars, earlier ?? null);
    if (key === null) version.tree?.[Symbol.dispose]();
    else keep(key, version);
    return {
      type: 'done',
      result: missing ? { ...result, lexicalReason: 'grammar-missing' } : result,
      heapBytes: heldBytes(),
    };
  } catch (error) {
    return {
      type: 'trap',
      message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    };
  }
}

function keep(key: number, version: WindowVersion): void {
  versions.set(key, version);
  const oldest = versions.size > MAX_VERSIONS ? versions.keys().next().value : undefined;
  if (oldest === undefined) return;
  versions.get(oldest)?.tree?.[Symbol.dispose]();
  versions.delete(oldest);
}

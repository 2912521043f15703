import { decodeWindow } from '../read/encoding.ts';
import { safeCut } from './cut.ts';
import { type Cut, cutByLines, cutParsed } from './cut-window.ts';
import type { GrammarSource } from './embedded.ts';
import { emitChunks } from './emit.ts';
import type { LoadedGrammar } from './grammar-loader.ts';
import { ParsedWindow } from './parsed-window.ts';
import { UNITS_PER_TOKEN } from './token-estimate.ts';
import type { LexicalReason, WindowRequest, WindowResult } from './window-request.ts';

/**
 * Chunks one window of a file. A pure function of its arguments: a window that failed can be done again in another
 * thread, and nothing of a file lives in a worker between windows.
 */
export async function chunkWindow(request: WindowRequest, grammars: GrammarSource): Promise<WindowResult> {
  const decoded = decodeWindow(request.bytes, request.encoding, request.last);
  const body = request.last ? decoded.text : decoded.text.slice(0, safeCut(decoded.text));
  let reason: LexicalReason | null = null;
  let cut: Cut | null = null;
  const grammar = request.lexical || request.language === null ? null : await grammars(request.language);
  if (grammar !== null) {
    const attempt = await cutBySyntax(request, grammar, grammars, body);
    if (typeof attempt === 'string') reason = attempt;
    else cut = attempt;
  }
  cut ??= cutByLines(request, body);
  return emitChunks(request, cut, decoded.bytesBetween, reason);
}

async function cutBySyntax(
  request: WindowRequest,
  grammar: LoadedGrammar,
  grammars: GrammarSource,
  body: string,
): Promise<Cut | LexicalReason> {
  const { headers, names } = request.scope;
  const preamble = request.first ? '' : (grammar.grammar.preamble ?? '');
  const limit = request.maxTokens * UNITS_PER_TOKEN;
  using parsed = await ParsedWindow.parse(
    { head: preamble + headers, body, headers, last: request.last, limit },
    grammar,
    grammars,
  );
  return parsed === null ? 'parser-budget' : cutParsed(parsed, request.maxTokens, request.last, names);
}

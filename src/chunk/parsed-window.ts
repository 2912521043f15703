import type { Tree } from 'web-tree-sitter';
import type { Definition } from '../../grammars/definitions.ts';
import {
  allOpenHeaders,
  anyEndsInError,
  deleteRegions,
  type EmbeddedRegion,
  embeddedRegions,
  type GrammarSource,
} from './embedded.ts';
import type { LoadedGrammar } from './grammar-loader.ts';
import { closersOf, rawElementCloser } from './headers.ts';
import { type Heading, markdownHeading, openHeadings, sectionsOf } from './headings.ts';
import { parse } from './parse.ts';
import { tokenPrefix } from './token-estimate.ts';
import { treeDefinitions } from './tree-definitions.ts';

export interface ParseRequest {
  /** Parsed in front of the window: what opens the constructs that it begins in. */
  readonly head: string;
  readonly body: string;
  /** The headers in `head`, without a preamble. */
  readonly headers: string;
  /** False where the input goes on behind the window. */
  readonly last: boolean;
  /** Embedded texts up to this many token units are one piece, in a document. */
  readonly limit: number;
}

interface Place {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly prefix: Uint32Array;
}

/**
 * A window as the parser sees it: replayed headers, the window's text from `from` to `to`, closing brackets. Owns its
 * trees; dispose it.
 */
export class ParsedWindow implements Disposable {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** Token prefix sums of `text`. */
  readonly prefix: Uint32Array;
  readonly tree: Tree;
  readonly regions: readonly EmbeddedRegion[];
  /** In order of their start; offsets are UTF-16 units of `text`. */
  readonly definitions: readonly Definition[];
  readonly #headings: readonly Heading[];

  /** Takes over the trees. */
  private constructor(place: Place, grammar: LoadedGrammar, tree: Tree, regions: readonly EmbeddedRegion[]) {
    this.text = place.text;
    this.from = place.from;
    this.to = place.to;
    this.prefix = place.prefix;
    this.tree = tree;
    this.regions = regions;
    let own = treeDefinitions(grammar, tree);
    this.#headings = [];
    if (grammar.grammar.headings === 'markdown') {
      // The tree knows which lines are headings, and not always how far their sections reach.
      this.#headings = own.map(({ startIndex, name }) => markdownHeading(place.text, startIndex, name));
      own = sectionsOf(this.#headings, place.to);
    }
    const embedded = regions.flatMap((region) => region.definitions);
    this.definitions = embedded.length === 0 ? own : [...own, ...embedded].sort(outerFirst);
  }

  /** Null where the parser took too long; throws `RuntimeError` where it trapped. */
  static async parse(
    request: ParseRequest,
    grammar: LoadedGrammar,
    source: GrammarSource,
  ): Promise<ParsedWindow | null> {
    const { head, body, last } = request;
    const rawCloser = last ? '' : rawElementCloser(head + body, grammar.grammar.rawElements ?? []);
    const first = await ParsedWindow.#attempt(
      request,
      grammar,
      source,
      last ? '' : closersOf(request.headers) + rawCloser,
    );
    if (first === null || last) return first;
    const { tree, regions, text, to } = first;
    if (!anyEndsInError(tree, regions, to, body.length / 4)) return first;
    // Something large has opened in this window: close it, so that it is seen as what it is.
    const closers = closersOf(allOpenHeaders(tree, regions, text, to)) + rawCloser;
    first[Symbol.dispose]();
    return ParsedWindow.#attempt(request, grammar, source, closers);
  }

  static async #attempt(
    { head, body, limit }: ParseRequest,
    grammar: LoadedGrammar,
    source: GrammarSource,
    closers: string,
  ): Promise<ParsedWindow | null> {
    const text = head + body + closers;
    const tree = parse(grammar, text);
    if (tree === null) return null;
    try {
      const prefix = tokenPrefix(text);
      const isPiece = (start: number, end: number) =>
        grammar.grammar.kind === 'docs' && prefix[end]! - prefix[start]! <= limit;
      const regions = await embeddedRegions(tree, grammar, text, source, isPiece);
      return new ParsedWindow(
        { text, from: head.length, to: head.length + body.length, prefix },
        grammar,
        tree,
        regions,
      );
    } catch (error) {
      tree.delete();
      throw error;
    }
  }

  /** Source text that opens what is open at `at`. */
  openHeaders(at: number): string {
    return (
      openHeadings(this.text, this.#headings, at) + allOpenHeaders(this.tree, this.regions, this.text, at)
    );
  }

  [Symbol.dispose](): void {
    this.tree.delete();
    deleteRegions(this.regions);
  }
}

function outerFirst(a: Definition, b: Definition): number {
  return a.startIndex - b.startIndex || b.endIndex - a.endIndex;
}

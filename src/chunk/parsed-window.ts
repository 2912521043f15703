import type { Definition } from '../../grammars/definitions.ts';
import { isEditable, type SyntaxTree } from '../../grammars/syntax-tree.ts';
import { DefinitionFinder } from './definition-finder.ts';
import {
  allLevelsAt,
  anyEnding,
  anyEndsInError,
  deleteRegions,
  type EmbeddedRegion,
  embeddedRegions,
  type GrammarSource,
} from './embedded.ts';
import { headersOf } from './headers.ts';
import { type Heading, markdownHeading, openHeadings, sectionsOf } from './headings.ts';
import { KeptTree, type TextEdit } from './kept-tree.ts';
import type { SyntaxParser } from './syntax-parser.ts';
import { tokenPrefix } from './token-estimate.ts';
import { definitionFinder, editedDefinitions, outerFirst, treeDefinitions } from './tree-definitions.ts';
import { closersOf, rawElementCloser } from './unfinished.ts';

export interface ParseRequest {
  /** Parsed in front of the window: what opens the constructs that it begins in. */
  readonly head: string;
  readonly body: string;
  /** False where the input goes on behind the window. */
  readonly last: boolean;
  /** Embedded texts up to this many token units are one piece, in a document. */
  readonly limit: number;
}

/** How much of the text before a window is read again with it. */
const MAX_ROOM = 64 * 1024;

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
  readonly tree: SyntaxTree;
  readonly regions: readonly EmbeddedRegion[];
  /** In order of their start; offsets are UTF-16 units of `text`. Empty where there is a finder. */
  readonly definitions: readonly Definition[];
  /** Finds the definitions along the walk, in languages that say where they stand. */
  readonly finder: DefinitionFinder | null;
  readonly #own: readonly Definition[];
  readonly #headings: readonly Heading[];
  #disposed = false;

  /** Takes over the trees; `own` are the definitions in `tree`. */
  private constructor(
    place: Place,
    grammar: SyntaxParser,
    tree: SyntaxTree,
    own: readonly Definition[] | DefinitionFinder,
    regions: readonly EmbeddedRegion[],
  ) {
    this.text = place.text;
    this.from = place.from;
    this.to = place.to;
    this.prefix = place.prefix;
    this.tree = tree;
    this.regions = regions;
    this.finder = own instanceof DefinitionFinder ? own : null;
    this.#own = own instanceof DefinitionFinder ? [] : own;
    let definitions = this.#own;
    if (grammar.grammar.headings === 'markdown') {
      // The tree knows which lines are headings, and not always how far their sections reach.
      this.#headings = definitions.map(({ startIndex, name }) =>
        markdownHeading(place.text, startIndex, name),
      );
      definitions = sectionsOf(this.#headings, place.to);
    } else {
      this.#headings = [];
    }
    const embedded = regions.flatMap((region) => region.definitions);
    this.definitions = embedded.length === 0 ? definitions : [...definitions, ...embedded].sort(outerFirst);
  }

  /**
   * Null where the parser took too long; throws `RuntimeError` where it trapped. With the tree of an earlier version of
   * the window, only what differs is parsed; the earlier tree is not of use for anything else after that.
   */
  static async parse(
    request: ParseRequest,
    grammar: SyntaxParser,
    source: GrammarSource,
    earlier: KeptTree | null = null,
  ): Promise<ParsedWindow | null> {
    if (earlier !== null && !request.last) {
      // How a parser recovers from a text that breaks off depends on what it has seen before.
      const again = await ParsedWindow.#parse(request, grammar, source, earlier);
      if (!again?.tree.rootNode.hasError) return again;
      again[Symbol.dispose]();
      return ParsedWindow.#parse(request, grammar, source, null);
    }
    return ParsedWindow.#parse(request, grammar, source, earlier);
  }

  static async #parse(
    request: ParseRequest,
    grammar: SyntaxParser,
    source: GrammarSource,
    earlier: KeptTree | null,
  ): Promise<ParsedWindow | null> {
    const { head, body, last } = request;
    const rawCloser = last ? '' : rawElementCloser(head + body, grammar.grammar.rawElements ?? []);
    const { lineComment } = grammar.grammar;
    const closers = last ? '' : closersOf(head + body, lineComment) + rawCloser;
    const first = await ParsedWindow.#attempt(request, grammar, source, closers, earlier);
    if (first === null || last) return first;
    const { tree, regions, text, to } = first;
    if (!anyEndsInError(tree, regions, to, body.length / 4)) return first;
    // Something large is unfinished: stop where a part of it is complete and close it, so that it is seen as what it is.
    const ending = anyEnding(tree, regions, text, to, body.length / 8);
    const shorter = { ...request, body: body.slice(0, ending.end - first.from) };
    const more = ending.closers + rawCloser;
    using opened = first.keepTree();
    if (earlier !== null) return ParsedWindow.#attempt(shorter, grammar, source, more, opened);
    opened?.[Symbol.dispose]();
    return ParsedWindow.#attempt(shorter, grammar, source, more, null);
  }

  static async #attempt(
    { head, body, limit }: ParseRequest,
    grammar: SyntaxParser,
    source: GrammarSource,
    closers: string,
    earlier: KeptTree | null,
  ): Promise<ParsedWindow | null> {
    const text = head + body + closers;
    const edit = earlier?.edit(text) ?? null;
    const tree = await grammar.parse(text, earlier === null ? {} : { oldTree: earlier.tree });
    if (tree === null) return null;
    try {
      const prefix = tokenPrefix(text);
      const own = definitionFinder(grammar, tree) ?? ownDefinitions(grammar, tree, earlier, edit);
      const isPiece = (start: number, end: number) =>
        grammar.grammar.kind === 'docs' && prefix[end]! - prefix[start]! <= limit;
      const regions = await embeddedRegions(tree, grammar, text, source, isPiece);
      const place = { text, from: head.length, to: head.length + body.length, prefix };
      return new ParsedWindow(place, grammar, tree, own, regions);
    } catch (error) {
      tree.delete();
      throw error;
    }
  }

  /**
   * Gives the tree away, to whoever parses the window's next version; the window cannot be walked any more. Null where
   * it cannot be edited.
   */
  keepTree(): KeptTree | null {
    if (!isEditable(this.tree)) {
      this[Symbol.dispose]();
      return null;
    }
    deleteRegions(this.regions);
    this.#disposed = true;
    return new KeptTree(this.text, this.tree, this.#own);
  }

  /** Source text that opens what is open at `at`, in front of the text from `carry` on; white space lies between them. */
  openHeaders(at: number, carry: number): string {
    let levels = allLevelsAt(this.tree, this.regions, this.text, at, this.to);
    // The headings of sections stand for them.
    if (this.#headings.length > 0) levels = levels.filter(({ type }) => type !== 'section');
    const room = Math.min(MAX_ROOM, (this.to - this.from) >> 3);
    return openHeadings(this.text, this.#headings, at) + headersOf(levels, this.text, carry, room);
  }

  /** Idempotent. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.tree.delete();
    deleteRegions(this.regions);
  }
}

function ownDefinitions(
  grammar: SyntaxParser,
  tree: SyntaxTree,
  earlier: KeptTree | null,
  edit: TextEdit | null,
): readonly Definition[] {
  if (earlier === null || !isEditable(tree)) return treeDefinitions(grammar, tree);
  return edit === null ? earlier.definitions : editedDefinitions(grammar, tree, earlier, edit);
}

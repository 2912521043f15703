import type { Definition } from '../../grammars/definitions.ts';
import type { Grammar } from '../../grammars/grammar.ts';
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
import { closersOf, errorUnits, nestedTooDeep, rawElementCloser } from './unfinished.ts';

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
    const { head, body, last } = request;
    if (nestedTooDeep(head + body, grammar.grammar)) return null;
    const closers = last ? '' : closersBehind(head + body, grammar.grammar);
    if (earlier !== null) {
      const again = await ParsedWindow.#attempt(request, grammar, source, closers, earlier);
      // How a parser recovers from a text that breaks off depends on what it has seen before.
      if (again !== null && (last || !again.tree.rootNode.hasError)) return again;
      again?.[Symbol.dispose]();
    }
    const first = await ParsedWindow.#attempt(request, grammar, source, closers, null);
    return first === null || last || !first.#unfinished ? first : first.#again(request, grammar, source);
  }

  /**
   * Parses a window anew in which something large is unfinished, in other ways, until it is seen as what it is. Takes this
   * window over.
   */
  async #again(
    request: ParseRequest,
    grammar: SyntaxParser,
    source: GrammarSource,
  ): Promise<ParsedWindow | null> {
    const { head, body } = request;
    const attempt = (parts: ParseRequest, closers: string) =>
      ParsedWindow.#attempt(parts, grammar, source, closers, null);
    // Stopped where a part of it is complete, and closed there.
    const ending = anyEnding(this.tree, this.regions, this.text, this.to, body.length / 8);
    const end = ending.end - this.from;
    const shorter = end * 2 > body.length ? { ...request, body: body.slice(0, end) } : request;
    const { blockEnds, rawElements = [] } = grammar.grammar;
    const blocks = blockEnds === undefined ? '' : closersOf(head + shorter.body, grammar.grammar);
    const own = this.text.slice(this.to);
    const closers =
      shorter === request
        ? own
        : ending.closers + blocks + rawElementCloser(head + shorter.body, rawElements);
    // The parser's memory is to hold one tree of a window, not two.
    this[Symbol.dispose]();
    const statements = (closers || own).replace(/[\])](?=\}|$)/g, '$&;');
    if (statements.includes(';')) {
      const next = await attempt(shorter, statements);
      if (next !== null && !next.#unfinished) return next;
      next?.[Symbol.dispose]();
    }
    const best = (await attempt(shorter, closers)) ?? (await attempt(request, own));
    if (best === null || !best.#unfinished || head === '') return best;
    // What is replayed may itself be out of step with the text: then it would be so to the end of the file.
    const bare = { ...request, head: grammar.grammar.preamble ?? '' };
    const next = await attempt(bare, closersBehind(bare.head + body, grammar.grammar));
    const better =
      next !== null && errorUnits(next.tree, next.text.length) < errorUnits(best.tree, best.text.length) / 8;
    (better ? best : next)?.[Symbol.dispose]();
    return better ? next : best;
  }

  /** An error at the end covers much of the window. */
  get #unfinished(): boolean {
    return anyEndsInError(this.tree, this.regions, this.to, (this.to - this.from) / 4);
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
    let regions: readonly EmbeddedRegion[] = [];
    try {
      const prefix = tokenPrefix(text);
      const own = definitionFinder(grammar, tree) ?? ownDefinitions(grammar, tree, earlier, edit);
      const isPiece = (start: number, end: number) =>
        grammar.grammar.kind === 'docs' && prefix[end]! - prefix[start]! <= limit;
      regions = await embeddedRegions(tree, grammar, text, source, isPiece);
      const place = { text, from: head.length, to: head.length + body.length, prefix };
      return new ParsedWindow(place, grammar, tree, own, regions);
    } catch (error) {
      deleteRegions(regions);
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

function closersBehind(text: string, grammar: Grammar): string {
  return closersOf(text, grammar) + rawElementCloser(text, grammar.rawElements ?? []);
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

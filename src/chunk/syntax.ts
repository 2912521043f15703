import type { Definition } from '../../grammars/definitions.ts';
import type { SyntaxCursor } from '../../grammars/syntax-tree.ts';
import { skipSpace } from './characters.ts';
import type { DefinitionFinder } from './definition-finder.ts';
import type { EmbeddedRegion } from './embedded.ts';
import { addLines } from './lines.ts';
import { CLOSER, LEAD, LIST, NodeKinds } from './node-kinds.ts';
import type { ParsedWindow } from './parsed-window.ts';
import { GLUED, type PieceRole, Pieces } from './pieces.ts';
import { lastChildBefore } from './unfinished.ts';

export interface SyntaxPieces {
  readonly pieces: Pieces;
  /** In order of their starts, the outer before the inner. */
  readonly definitions: readonly Definition[];
  /** By the start of a definition: where the comments and decorators in front of it begin. */
  readonly leadStarts: ReadonlyMap<number, number>;
}

/**
 * Cuts a window into pieces: the largest nodes of at most `limit` token units, going down only where a node does not fit.
 * Stops at the last node of an `unfinished` window, unless that is so large that it must be entered.
 */
export function syntaxPieces(parsed: ParsedWindow, limit: number, unfinished: boolean): SyntaxPieces {
  const pieces = new Pieces();
  const cursor = parsed.tree.walk();
  try {
    const walk = new Walk(parsed, limit, cursor, pieces);
    walk.run(unfinished);
    const definitions = parsed.finder?.definitions() ?? parsed.definitions;
    return { pieces, definitions, leadStarts: walk.leadStarts };
  } finally {
    cursor.delete();
  }
}

class Walk {
  readonly #parsed: ParsedWindow;
  /** Largest piece, in token units. */
  readonly #limit: number;
  readonly #pieces: Pieces;
  readonly #largeEnough: number;
  readonly #regions: ReadonlyMap<number, EmbeddedRegion>;
  /** The tree that is walked: the window's, or that of an embedded text. */
  #cursor: SyntaxCursor;
  /** Of nodes in that tree. */
  #kinds: NodeKinds;
  /** Where its text ends. */
  #to: number;
  /** The depth of the node that it hangs from; 0 for the window's. */
  #base = 0;
  /** Starts of the unfinished child on each level of the right spine; -1 off the spine. */
  readonly #spine: number[] = [];
  #depth = 0;
  #level = 0;
  readonly #finder: DefinitionFinder | null;
  /** In order of their starts; with a finder, what is known by now. */
  readonly #definitions: Definition[];
  #definition = 0;
  /** By depth: no child has been entered yet, and the parent is not a list. */
  readonly #heads: boolean[] = [];
  /** By depth: a piece has come from this level since its parent was entered. */
  readonly #begun: boolean[] = [];
  /** The next piece goes on a head that stands before it. */
  #headGoesOn = false;
  readonly leadStarts = new Map<number, number>();
  #leadStart = -1;
  #leadEnd = -1;
  /** Everything before this place is in a piece, or is white space. */
  #covered: number;

  constructor(parsed: ParsedWindow, limit: number, cursor: SyntaxCursor, pieces: Pieces) {
    this.#parsed = parsed;
    this.#limit = limit;
    this.#cursor = cursor;
    this.#kinds = NodeKinds.of(parsed.tree.language);
    this.#pieces = pieces;
    this.#finder = parsed.finder;
    this.#definitions = [...parsed.definitions];
    this.#to = parsed.to;
    this.#largeEnough = (parsed.to - parsed.from) / 4;
    this.#covered = parsed.from;
    this.#regions = new Map(
      parsed.regions.filter(({ tree }) => tree !== null).map((region) => [region.start, region]),
    );
  }

  /** Walks the tree of the cursor to its end, or to where an unfinished text stops. */
  run(unfinished: boolean): 'stop' | 'done' {
    if (!this.#enter(unfinished)) {
      this.#lines(this.#covered, this.#to);
      return unfinished ? 'stop' : 'done';
    }
    for (;;) {
      const step = this.#visit();
      if (step === 'stop') return 'stop';
      if (step === 'entered') continue;
      while (!this.#cursor.gotoNextSibling()) {
        if (this.#leave()) continue;
        if (!unfinished) this.#fillGap(this.#to);
        return 'done';
      }
      this.#level = Math.min(this.#level, this.#depth);
    }
  }

  #visit(): 'stop' | 'entered' | 'done' {
    const { from, prefix } = this.#parsed;
    const start = this.#cursor.startIndex;
    const end = Math.min(this.#cursor.endIndex, this.#to);
    if (end <= from || end <= start) return 'done';
    const last = start === this.#spine[this.#depth];
    const open = start < from;
    if (last && !open && end - start <= this.#largeEnough) return 'stop';
    const fits = prefix[end]! - prefix[Math.max(start, from)]! <= this.#limit;
    if (fits && !open && !last) {
      this.#add(start, end);
      return 'done';
    }
    const region = this.#base === 0 ? this.#regions.get(start) : undefined;
    if (region?.end === this.#cursor.endIndex) return this.#walkRegion(region, last);
    if (this.#enter(last)) return 'entered';
    const begin = Math.max(start, from);
    this.#fillGap(begin);
    const lead = (this.#kind(this.#cursor.nodeTypeId) & LEAD) !== 0 && this.#ownLine(begin);
    this.#lines(begin, last ? this.#lastLine(begin, end) : end, lead ? 'lead' : 'plain');
    return last ? 'stop' : 'done';
  }

  /** Goes on in the tree of an embedded text, as if it hung from this node. */
  #walkRegion(region: EmbeddedRegion, last: boolean): 'stop' | 'done' {
    this.#fillGap(Math.max(region.start, this.#parsed.from));
    const outer = { cursor: this.#cursor, kinds: this.#kinds, to: this.#to, base: this.#base };
    this.#cursor = region.tree!.walk();
    this.#kinds = NodeKinds.of(region.tree!.language);
    this.#to = Math.min(region.end, outer.to);
    this.#base = this.#depth;
    try {
      return this.run(last);
    } finally {
      this.#cursor.delete();
      this.#cursor = outer.cursor;
      this.#kinds = outer.kinds;
      this.#to = outer.to;
      this.#base = outer.base;
    }
  }

  /** Of an unfinished token only whole lines are sure, where it has any. */
  #lastLine(start: number, end: number): number {
    const newline = this.#parsed.text.lastIndexOf('\n', end - 1);
    return newline < start || end - newline > this.#largeEnough ? end : newline + 1;
  }

  #kind(type: number): number {
    return this.#kinds.at(this.#cursor, type);
  }

  #enter(onSpine: boolean): boolean {
    const type = this.#cursor.nodeTypeId;
    const kind = this.#kind(type);
    if (this.#finder !== null && this.#base === 0) this.#note(this.#finder.enter(type, this.#cursor));
    let unfinishedStart = -1;
    if (onSpine && lastChildBefore(this.#cursor, this.#to)) {
      unfinishedStart = this.#cursor.startIndex;
      this.#cursor.gotoParent();
    }
    const head = (kind & LIST) === 0 && this.#cursor.startIndex >= this.#parsed.from;
    if (!this.#cursor.gotoFirstChild()) return false;
    if (this.#heads[this.#depth] && this.#begun[this.#depth]) this.#headGoesOn = true;
    this.#heads[this.#depth] = false;
    this.#depth++;
    this.#heads[this.#depth] = head && this.#depth > this.#base + 1;
    this.#begun[this.#depth] = false;
    this.#spine[this.#depth] = unfinishedStart;
    return true;
  }

  #leave(): boolean {
    if (!this.#cursor.gotoParent()) return false;
    this.#depth--;
    this.#level = Math.min(this.#level, this.#depth);
    return this.#depth > this.#base;
  }

  #add(start: number, end: number): void {
    this.#fillGap(start);
    const type = this.#cursor.nodeTypeId;
    const kind = this.#kind(type);
    const lead = (kind & LEAD) !== 0 && this.#ownLine(start);
    const afterLead = this.#leadEnd >= 0 && this.#adjacent(this.#leadEnd, start);
    const inHead = this.#headGoesOn || (this.#heads[this.#depth] && this.#begun[this.#depth]);
    const cost = this.#level + (afterLead || inHead || (kind & CLOSER) !== 0 ? GLUED : 0);
    if (this.#finder !== null && this.#base === 0) this.#note(this.#finder.pass(type, this.#cursor));
    const definition = this.#beginsDefinition(start, end, afterLead);
    this.#pieces.add(start, end, cost, lead ? 'lead' : definition ? 'definition' : 'plain');
    this.#headGoesOn = false;
    this.#begun[this.#depth] = true;
    this.#noteLead(lead, start, end, afterLead);
    this.#level = this.#depth;
    this.#covered = end;
  }

  #noteLead(lead: boolean, start: number, end: number, afterLead: boolean): void {
    if (!lead) this.#leadStart = -1;
    else if (!afterLead || this.#leadStart === -1) this.#leadStart = start;
    this.#leadEnd = lead ? end : -1;
  }

  /** Some grammars hide tokens (the inside of a string): what no node shows is cut by lines. */
  #fillGap(end: number): void {
    const at = skipSpace(this.#parsed.text, this.#covered, end);
    if (at < end) this.#lines(at, end);
  }

  #lines(start: number, end: number, role: PieceRole = 'plain'): void {
    const { text, prefix } = this.#parsed;
    const before = this.#pieces.length;
    this.#covered = Math.max(this.#covered, end);
    addLines(this.#pieces, text, prefix, start, end, this.#limit, this.#depth + 1);
    const lead = role === 'lead';
    const afterLead = this.#leadEnd >= 0 && this.#adjacent(this.#leadEnd, start);
    if (this.#pieces.length > before) {
      this.#pieces.cutCosts[before] = this.#level + (afterLead || this.#headGoesOn ? GLUED : 0);
      if (lead) this.#pieces.roles.fill('lead', before);
    }
    this.#headGoesOn = false;
    this.#begun[this.#depth] = true;
    this.#noteLead(lead, start, end, afterLead);
    this.#level = this.#depth;
  }

  #ownLine(start: number): boolean {
    let at = start - 1;
    while (at >= 0 && (this.#parsed.text.charCodeAt(at) === 32 || this.#parsed.text.charCodeAt(at) === 9))
      at--;
    return at < 0 || this.#parsed.text.charCodeAt(at) === 10;
  }

  #adjacent(leadEnd: number, start: number): boolean {
    const text = this.#parsed.text;
    // Some grammars take the line break into the comment itself.
    const first = text.indexOf('\n', Math.max(0, leadEnd - 1));
    if (first === -1 || first >= start) return true;
    const second = text.indexOf('\n', first + 1);
    return second === -1 || second >= start;
  }

  /** None of them begins before the place where the walk is. */
  #note(found: readonly Definition[]): void {
    const definitions = this.#definitions;
    for (const definition of found) {
      let low = this.#definition;
      let high = definitions.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (definitions[middle]!.startIndex <= definition.startIndex) low = middle + 1;
        else high = middle;
      }
      definitions.splice(low, 0, definition);
    }
  }

  /** A definition that goes on after the piece, or one that is most of it. */
  #beginsDefinition(start: number, end: number, afterLead: boolean): boolean {
    const definitions = this.#definitions;
    while (this.#definition < definitions.length && definitions[this.#definition]!.startIndex < start) {
      this.#definition++;
    }
    let found = false;
    for (; this.#definition < definitions.length; this.#definition++) {
      const { startIndex, endIndex } = definitions[this.#definition]!;
      if (startIndex >= end) break;
      if (found || (endIndex <= end && (endIndex - startIndex) * 2 < end - start)) continue;
      found = true;
      if (afterLead && this.#leadStart !== -1) this.leadStarts.set(startIndex, this.#leadStart);
    }
    return found;
  }
}

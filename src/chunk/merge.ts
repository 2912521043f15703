import { GLUED, type Pieces } from './pieces.ts';
import { UNITS_PER_TOKEN } from './token-estimate.ts';

/** Ranges of the chunks in UTF-16 units, and where the last, unfinished one begins. */
export interface MergedRanges {
  readonly starts: number[];
  readonly ends: number[];
  /** First unit that no range covers: the chunk still open when the pieces ran out. -1 where none is. */
  readonly pendingStart: number;
}

/** Below this a run is too small to stand alone beside a definition. */
const SOFT_TOKENS = 64;

/**
 * Builds chunks out of pieces: as many as fit `limit` (token units); on overflow the cut falls at the cheapest
 * boundary of the run, the latest of equals; a definition begins a new chunk where the run before it is not tiny.
 * Split-then-merge after cAST (arXiv 2506.15655), with the choice of the boundary added. What is decided depends on the
 * pieces since the last cut alone, so that windows of one file meet without a seam.
 */
export function mergePieces(
  pieces: Pieces,
  prefix: Uint32Array,
  limit: number,
  finish: boolean,
): MergedRanges {
  const starts: number[] = [];
  const ends: number[] = [];
  const minimum = limit >> 2;
  const soft = Math.min(SOFT_TOKENS * UNITS_PER_TOKEN, limit >> 1);
  let first = 0;
  const cost = (from: number, to: number) => prefix[pieces.ends[to]!]! - prefix[pieces.starts[from]!]!;
  const cutBefore = (piece: number) => {
    starts.push(pieces.starts[first]!);
    ends.push(pieces.ends[piece - 1]!);
    first = piece;
  };

  for (let next = 0; next < pieces.length; next++) {
    if (next > first && pieces.roles[next] === 'definition') {
      let head = next;
      while (head > first && (pieces.cutCosts[head]! >= GLUED || pieces.roles[head - 1] === 'lead')) head--;
      // The end of a class may be left smaller than the end of a method.
      const enough = leavesScope(pieces, first, head) ? soft >> 1 : soft;
      if (head > first && cost(first, head - 1) >= enough) cutBefore(head);
    }
    while (next > first && cost(first, next) > limit) {
      // A heading or a signature of a few words stays with what it stands over, at the price of a slightly larger chunk.
      if (cost(first, next - 1) * 8 < limit && cost(first, next) * 8 <= limit * 9) break;
      cutBefore(cheapestCut(pieces, first, next, cost, minimum));
    }
  }
  if (finish && first < pieces.length) cutBefore(pieces.length);
  return { starts, ends, pendingStart: first < pieces.length ? pieces.starts[first]! : -1 };
}

function leavesScope(pieces: Pieces, first: number, head: number): boolean {
  for (let at = head - 1; at > first; at--) {
    if (pieces.cutCosts[at]! % GLUED > pieces.cutCosts[head]! % GLUED) return true;
  }
  return false;
}

function cheapestCut(
  pieces: Pieces,
  first: number,
  next: number,
  cost: (from: number, to: number) => number,
  minimum: number,
): number {
  let best = next;
  for (let at = next - 1; at > first; at--) {
    if (cost(first, at - 1) < minimum) break;
    if (pieces.cutCosts[at]! < pieces.cutCosts[best]!) best = at;
  }
  return best;
}

/**
 * Pieces are what chunks are built from: the largest units (syntax nodes, or lines) that fit into a chunk, in order.
 * Kept as columns, since a window has thousands of them.
 */
export class Pieces {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** Cost of a cut before the piece: how deep in the syntax it lies, plus what holds it to its neighbour. */
  readonly cutCosts: number[] = [];
  /** What the piece is to the merge step. */
  readonly roles: PieceRole[] = [];

  get length(): number {
    return this.starts.length;
  }

  add(start: number, end: number, cutCost: number, role: PieceRole = 'plain'): void {
    this.starts.push(start);
    this.ends.push(end);
    this.cutCosts.push(cutCost);
    this.roles.push(role);
  }
}

/** `definition` begins one; `lead` is a comment or decorator on lines of its own, which goes with what follows. */
export type PieceRole = 'plain' | 'definition' | 'lead';

/** A cut that would part a comment from what it describes, or a bracket from what it closes. */
export const GLUED = 1000;

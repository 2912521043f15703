import type { TermField } from '../chunk/index-terms.ts';

/**
 * How much each kind of evidence counts. Scores of chunks and files are shares of the best one's, so that the weights do
 * not depend on the size of an index or the length of a query. What each is worth: `npm run bench:quality`.
 */
export interface Ranking {
  /**
   * How many times a word counts in each field, 0 or more: part of the BM25 score. Whole numbers, as the query repeats its
   * terms: of one clause the store passes over what cannot come near the best, of a clause for each field it scores all.
   */
  readonly fields: Readonly<Record<TermField, number>>;
  /** Share of the nearness by meaning; the words have the rest. */
  readonly meaning: number;
  /**
   * The words have their full share where the best chunk has this part of them; one that has fewer was found for want of
   * a better one, and the share falls with the square.
   */
  readonly wellSaid: number;
  /** The second chunk of a file adds so much of its score to the file's, ... */
  readonly more: number;
  /** ... and each further one so much less. */
  readonly decay: number;
  /** A file whose name is made of the query's words. */
  readonly fileName: number;
  /** The definition of the symbol that is asked for. */
  readonly definition: number;
  /** The file whose path is asked for. */
  readonly path: number;
  /** Factor for what stands behind the code that it tests, shows, copies or describes. */
  readonly tests: number;
  readonly examples: number;
  readonly copies: number;
  readonly docs: number;
  /** Of a version beside whose folder there is that of a newer one. */
  readonly older: number;
  /** Factor for each hit after the first one of a file. */
  readonly repeat: number;
}

export const RANKING: Ranking = {
  fields: { text: 2, file: 1, directory: 1, definition: 1 },
  meaning: 0.45,
  wellSaid: 0.6,
  more: 0.25,
  decay: 0.85,
  fileName: 0.4,
  definition: 1,
  path: 1,
  tests: 0.5,
  examples: 0.5,
  copies: 0.5,
  docs: 0.6,
  older: 0.5,
  repeat: 0.5,
};

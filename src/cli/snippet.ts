import { stem } from '../chunk/stem.ts';
import { searchTerms } from '../chunk/terms.ts';

export interface Snippet {
  readonly lines: readonly string[];
  /** Lines of the text before and after them. */
  readonly before: number;
  readonly after: number;
}

/** The `most` lines one after the other that have most of the query's words; of equals the first. */
export function snippet(lines: readonly string[], query: string, most: number): Snippet {
  const words = new Set(searchTerms(query).map(stem));
  const found = lines.map(
    (line) =>
      new Set(
        searchTerms(line)
          .map(stem)
          .filter((term) => words.has(term)),
      ),
  );
  let start = 0;
  let best = -1;
  for (let at = 0; at === 0 || at + most <= lines.length; at++) {
    const inside = found.slice(at, at + most);
    const distinct = new Set(inside.flatMap((terms) => [...terms])).size;
    // A word more counts for more than any number of lines that have the same ones.
    const score = distinct * (most + 1) + inside.filter((terms) => terms.size > 0).length;
    if (score > best) [start, best] = [at, score];
  }
  const end = Math.min(lines.length, start + most);
  return { lines: lines.slice(start, end), before: start, after: lines.length - end };
}

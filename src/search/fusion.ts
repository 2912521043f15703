/** Damps the lead of the first ranks (Cormack, Clarke and Buettcher, SIGIR 2009). */
const K = 60;

/**
 * Merges ranked lists by the sum of 1 / (60 + rank), rank from 1; best first, ties in order of first appearance. Needs
 * no scores that compare across lists.
 */
export function reciprocalRankFusion<T>(
  lists: readonly (readonly T[])[],
  key: (item: T) => string,
): { item: T; score: number }[] {
  const fused = new Map<string, { item: T; score: number }>();
  for (const list of lists) {
    list.forEach((item, i) => {
      const id = key(item);
      const entry = fused.get(id);
      const score = 1 / (K + i + 1);
      if (entry === undefined) fused.set(id, { item, score });
      else entry.score += score;
    });
  }
  return [...fused.values()].sort((a, b) => b.score - a.score);
}
